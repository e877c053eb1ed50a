//! What `sealcheck profile` shows of one profile: the facts, and what its bundle claims; as JSON here, for people in
//! `human`.

use std::io::{self, Write};

use serde_json::{Value as Json, json};

use crate::octets::hex;
use crate::plist::{dictionary_to_json, to_json};
use crate::profile::{Answer, Profile, ProfileContents};
use crate::survey::Survey;
use crate::time::UnixTime;
use crate::trust::AttachedSigner;
use crate::verify::{Claim, CodeObject, Evidence, ProfileProblem};

/// A profile file, or a bundle with its profile and its claims.
#[derive(Debug, Clone)]
pub struct ProfileSubject<'e> {
    /// Path of the bundle or of the file, as the user sees it.
    pub path: String,
    /// The profile; `None` where a bundle has none.
    pub profile: Option<Result<&'e Profile, &'e ProfileProblem>>,
    /// The bundle.
    pub object: Option<&'e CodeObject>,
    /// Paths of profiles in the bundle where macOS does not look for any.
    pub misplaced: &'e [String],
    /// The time for which it is to hold.
    pub at: UnixTime,
}

impl<'e> ProfileSubject<'e> {
    /// A profile that stands alone.
    #[must_use]
    pub fn of_file(path: String, profile: Result<&'e Profile, &'e ProfileProblem>, at: UnixTime) -> Self {
        Self {
            path,
            profile: Some(profile),
            object: None,
            misplaced: &[],
            at,
        }
    }

    /// Every code object of an item that has a profile, or claims what a profile must grant.
    #[must_use]
    pub fn of_item(evidence: &'e Evidence, survey: &'e Survey) -> Vec<Self> {
        let objects = evidence.code.iter().enumerate().map(|(index, object)| Self {
            path: match object.path.as_str() {
                "" => evidence.path.clone(),
                inside => format!("{}/{inside}", evidence.path.trim_end_matches('/')),
            },
            profile: object.profile.as_ref().map(|embedded| embedded.profile.as_ref()),
            object: Some(object),
            misplaced: survey.misplaced_profiles_of(index),
            at: evidence.at,
        });
        objects
            .filter(|subject| {
                subject.profile.is_some() || subject.claims().iter().any(|(claim, _)| claim.needs_profile)
            })
            .collect()
    }

    /// Returns true if there is a profile that could not be read, so that it is not known what it grants.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        matches!(self.profile, Some(Err(ProfileProblem::Unreadable(_))))
    }

    /// The profile, if it counts.
    #[must_use]
    pub fn sound(&self) -> Option<&'e Profile> {
        self.profile
            .and_then(Result::ok)
            .filter(|profile| profile.is_sound())
    }

    /// What the bundle's program claims, each claim once, with the architectures where not all claim it.
    #[must_use]
    pub fn claims(&self) -> Vec<(Claim<'e>, Vec<String>)> {
        let Some(object) = self.object else {
            return Vec::new();
        };
        let is_program = |found: crate::macho::FileType| found.is_execute();
        let slices: Vec<_> = object
            .slices
            .iter()
            .filter(|slice| slice.file_type.is_some_and(is_program))
            .collect();
        let mut merged: Vec<(Claim<'e>, Vec<String>)> = Vec::new();
        for slice in &slices {
            let name = slice
                .architecture
                .map(|found| found.to_string())
                .unwrap_or_default();
            for claim in slice.claims(self.sound()) {
                let known = merged
                    .iter_mut()
                    .find(|(known, _)| known.key == claim.key && known.value == claim.value);
                match known {
                    Some((_, architectures)) => architectures.push(name.clone()),
                    None => merged.push((claim, vec![name.clone()])),
                }
            }
        }
        for (_, architectures) in &mut merged {
            if architectures.len() == slices.len() {
                architectures.clear();
            }
        }
        merged
    }

    /// Whether everything that needs a grant has one, from a profile that counts and has not expired.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let claims = self.claims();
        let mut needed = claims.iter().filter(|(claim, _)| claim.needs_profile);
        match self.profile {
            None => needed.next().is_none(),
            Some(_) => self.sound().is_some_and(|profile| {
                profile.effective().expires >= self.at
                    && needed.all(|(claim, _)| claim.answer.as_ref().is_some_and(Answer::is_granted))
            }),
        }
    }
}

/// Writes all subjects as one JSON document.
///
/// # Errors
/// Those of `out`.
pub fn write_profiles_json(subjects: &[ProfileSubject<'_>], out: &mut dyn Write) -> io::Result<()> {
    let profiles: Vec<_> = subjects.iter().map(subject).collect();
    writeln!(out, "{:#}", json!({"schema_version": 1, "profiles": profiles}))
}

fn subject(subject: &ProfileSubject<'_>) -> Json {
    let problem = match subject.profile {
        None => None,
        Some(Err(problem)) => Some(problem.to_string()),
        Some(Ok(profile)) => match (profile.signer.faults.first(), profile.is_sound()) {
            (Some(fault), _) => Some(fault.to_string()),
            (None, false) => Some("signed with a developer's certificate".to_owned()),
            (None, true) => None,
        },
    };
    let claims = subject
        .object
        .map(|_| subject.claims().iter().map(claim).collect::<Vec<_>>());
    json!({
        "path": subject.path,
        "good": subject.is_good(),
        "problem": problem,
        "profile": subject.profile.and_then(Result::ok).map(facts),
        "misplaced": subject.object.map(|_| subject.misplaced),
        "claims": claims,
    })
}

fn facts(profile: &Profile) -> Json {
    let ProfileContents {
        name,
        uuid,
        app_id_name,
        team_ids,
        team_name,
        app_id_prefixes,
        platforms,
        created,
        expires,
        devices,
        all_devices,
        entitlements,
        ..
    } = profile.effective();
    json!({
        "name": name,
        "uuid": uuid,
        "kind": profile.kind().name(),
        "sound": profile.is_sound(),
        "signer": signer(&profile.signer),
        "der_signer": profile.der.as_ref().and_then(|der| der.signer.as_ref()).and_then(signer),
        "team_ids": team_ids,
        "team_name": team_name,
        "app_id": profile.effective().app_id(),
        "app_id_name": app_id_name,
        "app_id_prefixes": app_id_prefixes,
        "platforms": platforms,
        "created": created.map(|time| time.to_string()),
        "expires": expires.to_string(),
        "certificates": profile.contents.certificates.iter().map(|listed| json!({
            "sha256": hex(&listed.sha256),
            "name": listed.certificate.as_ref().map(|found| found.summary()),
            "expires": listed.certificate.as_ref().map(|found| found.not_after.to_string()),
        })).collect::<Vec<_>>(),
        "devices": devices,
        "all_devices": all_devices,
        "entitlements": dictionary_to_json(entitlements),
    })
}

fn signer(signer: &AttachedSigner) -> Option<&str> {
    Some(signer.name()).filter(|name| !name.is_empty())
}

fn claim((claim, architectures): &(Claim<'_>, Vec<String>)) -> Json {
    let (granted, difference, grant) = match &claim.answer {
        None => (None, None, None),
        Some(Answer::Granted) => (Some(true), None, None),
        Some(Answer::NotGranted(found)) => (
            Some(false),
            Some(found.to_string()),
            found.grant.as_ref().map(to_json),
        ),
    };
    json!({
        "entitlement": claim.key,
        "claim": to_json(claim.value),
        "class": claim.class.name(),
        "needs_profile": claim.needs_profile,
        "granted": granted,
        "grant": grant,
        "difference": difference,
        "architectures": architectures,
    })
}
