//! One profile for people: what it is, whom it is for, what it grants; and claim by claim whether that is enough.

use std::io::{self, Write};

use super::paragraph::{columns, write_styled};
use super::{BAD, DOUBTFUL, FAINT, GOOD, STRONG, Style};
use crate::octets::hex;
use crate::plist::{Value, to_json};
use crate::profile::{Answer, Profile, ProfileSigner};
use crate::report::{ProfileSubject, text};
use crate::trust::AttachedFault;
use crate::verify::Claim;

/// Devices that are named without `-v`.
const SHOWN: usize = 3;

/// Writes one profile, with the claims of its bundle.
///
/// # Errors
/// Those of `out`.
pub fn write_profile(subject: &ProfileSubject<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Vec::new();
    write_lines(subject, style, &mut lines)?;
    for line in String::from_utf8_lossy(&lines).lines() {
        write_styled(line, style.width, out)?;
    }
    Ok(())
}

fn write_lines(subject: &ProfileSubject<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{STRONG}{}{STRONG:#}", text::visible(&subject.path))?;
    match subject.profile {
        None => writeln!(out, "  {BAD}{} no provisioning profile{BAD:#}", style.no())?,
        Some(Err(problem)) => {
            let problem = problem.to_string();
            let problem = text::visible(&problem);
            writeln!(
                out,
                "  {BAD}{} the profile cannot be used: {problem}{BAD:#}",
                style.no()
            )?;
        }
        Some(Ok(profile)) => {
            about(subject, profile, style, out)?;
            grants(profile, style, out)?;
        }
    }
    if subject.object.is_some() {
        for path in subject.misplaced {
            writeln!(
                out,
                "  {DOUBTFUL}macOS does not look for a profile at {}{DOUBTFUL:#}",
                text::visible(path)
            )?;
        }
        claims(subject, style, out)?;
    }
    Ok(())
}

/// The facts, one a line.
fn about(
    subject: &ProfileSubject<'_>,
    profile: &Profile,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let contents = profile.effective();
    let team = contents.team_ids.join(", ");
    let team = match contents.team_name.as_str() {
        "" => team,
        name => format!("{team} ({name})"),
    };
    let words = [
        contents.name.clone(),
        format!("{} profile", profile.kind().name()),
        format!("team {team}"),
    ];
    writeln!(out, "  {}\n", text::visible(&words.join(style.separator())))?;
    // Values may hold colour codes, so what comes from the profile is made visible before.
    let field = |out: &mut dyn Write, name: &str, value: &str| writeln!(out, "  {name:<13} {value}");
    let app_id = contents.app_id().unwrap_or("none");
    field(out, "app id", &text::visible(app_id))?;
    field(out, "platforms", &text::visible(&platforms(&contents.platforms)))?;
    field(out, "uuid", &text::visible(&contents.uuid))?;
    let created = contents
        .created
        .map_or_else(String::new, |time| format!("{} to ", text::date(time)));
    let until = format!("{created}{}", text::date(contents.expires));
    if contents.expires < subject.at {
        field(
            out,
            "valid",
            &format!("{BAD}{} {until}, expired{BAD:#}", style.no()),
        )?;
    } else {
        field(out, "valid", &until)?;
    }
    field(
        out,
        "devices",
        &text::visible(&devices(contents.devices.as_deref(), contents.all_devices, style)),
    )?;
    field(out, "signed by", &signer(profile, style))?;
    let leaf = subject.object.and_then(|object| {
        let identity = object.slices.first()?.identity.as_ref()?;
        identity.chain.first().map(|leaf| *leaf.sha256())
    });
    for (index, listed) in profile.contents.certificates.iter().enumerate() {
        let name = if index == 0 { "certificates" } else { "" };
        let expires = listed.certificate.as_ref();
        let expires = expires.map_or_else(String::new, |found| {
            format!(", expires {}", text::date(found.not_after))
        });
        let mark = if leaf == Some(listed.sha256) {
            format!("  {GOOD}{} signed this code{GOOD:#}", style.yes())
        } else {
            String::new()
        };
        let digest: String = hex(&listed.sha256).chars().take(12).collect();
        field(
            out,
            name,
            &format!(
                "{} {FAINT}({digest}{expires}){FAINT:#}{mark}",
                text::visible(&listed.label())
            ),
        )?;
    }
    if profile.contents.certificates.is_empty() {
        field(out, "certificates", "none")?;
    }
    let is_listed = |sha256| contents.lists_certificate(&sha256);
    if leaf.is_some_and(|leaf| !is_listed(leaf)) {
        field(
            out,
            "",
            &format!(
                "{BAD}{} the certificate of this code is not listed{BAD:#}",
                style.no()
            ),
        )?;
    }
    Ok(())
}

/// Apple's words, and those of people where they differ.
fn platforms(names: &[String]) -> String {
    if names.is_empty() {
        return "not named".to_owned();
    }
    let names: Vec<_> = names
        .iter()
        .map(|name| match name.as_str() {
            "OSX" => "macOS",
            name => name,
        })
        .collect();
    names.join(", ")
}

fn devices(listed: Option<&[String]>, all: bool, style: Style) -> String {
    match listed {
        _ if all => "all".to_owned(),
        None => "none: Apple signs the app again before it runs".to_owned(),
        Some(devices) => {
            let shown = if style.verbosity > 0 { devices.len() } else { SHOWN };
            let names: Vec<_> = devices.iter().take(shown).map(String::as_str).collect();
            let more = devices.len().saturating_sub(names.len());
            let more = if more > 0 {
                format!(", and {more} more (-v)")
            } else {
                String::new()
            };
            format!("{}: {}{more}", devices.len(), names.join(", "))
        }
    }
}

fn signer(profile: &Profile, style: Style) -> String {
    let name = text::visible(profile.signer.name());
    if let Some(AttachedFault::NotApple { signer }) = profile.signer.faults.first() {
        let signer = text::visible(signer);
        return format!("{BAD}{} {signer}, not Apple{BAD:#}", style.no());
    }
    if let Some(fault) = profile.signer.faults.first() {
        let fault = fault.to_string();
        return format!("{BAD}{} {}{BAD:#}", style.no(), text::visible(&fault));
    }
    match profile.signed_by() {
        ProfileSigner::Developer => format!("{BAD}{} {name}, a developer's certificate{BAD:#}", style.no()),
        ProfileSigner::Other => {
            format!("{DOUBTFUL}{name}, Apple's, but not known to sign profiles{DOUBTFUL:#}")
        }
        _ => {
            let der = match &profile.der {
                None => "; no DER form".to_owned(),
                Some(der) => match der.sound() {
                    None => format!("; {DOUBTFUL}the DER form does not count{DOUBTFUL:#}"),
                    Some(sound) => match profile.contents.differences(sound).as_slice() {
                        [] => "; the DER form agrees".to_owned(),
                        keys => format!(
                            "; {DOUBTFUL}the DER form differs in {}{DOUBTFUL:#}",
                            keys.join(", ")
                        ),
                    },
                },
            };
            format!("{GOOD}{}{GOOD:#} {name}{der}", style.yes())
        }
    }
}

fn grants(profile: &Profile, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let entitlements = &profile.effective().entitlements;
    writeln!(out, "\n  {STRONG}grants{STRONG:#}")?;
    let width = column(entitlements.iter().map(|(key, _)| key));
    for (key, granted) in entitlements.iter() {
        line(
            ("", &text::visible(key)),
            width,
            &value_lines(granted),
            style,
            out,
        )?;
    }
    if entitlements.is_empty() {
        writeln!(out, "    nothing")?;
    }
    Ok(())
}

fn claims(subject: &ProfileSubject<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let claims = subject.claims();
    if claims.is_empty() {
        return writeln!(out, "\n  the code claims nothing");
    }
    writeln!(out, "\n  {STRONG}claims{STRONG:#}")?;
    let width = column(claims.iter().map(|(claim, _)| claim.key));
    for (claim, architectures) in &claims {
        let mark = match (&claim.answer, claim.needs_profile) {
            (Some(Answer::Granted), _) => format!("{GOOD}{}{GOOD:#} ", style.yes()),
            (_, true) => format!("{BAD}{}{BAD:#} ", style.no()),
            (_, false) => format!("{FAINT}{}{FAINT:#} ", if style.unicode { "·" } else { "-" }),
        };
        let mut lines = value_lines(claim.value);
        lines.extend(remark(claim));
        if !architectures.is_empty() {
            lines.push(format!("{FAINT}{} only{FAINT:#}", architectures.join(", ")));
        }
        line((&mark, &text::visible(claim.key)), width, &lines, style, out)?;
    }
    Ok(())
}

/// What is to be said under a claim.
fn remark(claim: &Claim<'_>) -> Option<String> {
    match (&claim.answer, claim.needs_profile) {
        (Some(Answer::Granted), _) => None,
        (Some(Answer::NotGranted(found)), _) => {
            let found = found.to_string();
            Some(format!("{BAD}{}{BAD:#}", text::visible(&found)))
        }
        (None, true) => Some(format!("{BAD}no profile that counts grants it{BAD:#}")),
        (None, false) => Some(format!(
            "{FAINT}{}: needs no profile{FAINT:#}",
            claim.class.name()
        )),
    }
}

/// Columns of the keys, unless one is very long.
fn column<'k>(keys: impl Iterator<Item = &'k str>) -> usize {
    const LONGEST: usize = 56;
    keys.map(str::len)
        .filter(|length| *length <= LONGEST)
        .max()
        .unwrap_or(LONGEST)
}

/// A key with its mark, and beside it the lines of its value, or under it where they do not fit.
fn line(
    (mark, key): (&str, &str),
    width: usize,
    lines: &[String],
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    const INDENT: usize = 8;
    let (first, rest) = match lines.split_first() {
        Some((first, rest)) => (first.as_str(), rest),
        None => ("", lines),
    };
    let room = style.width.saturating_sub(width).saturating_sub(INDENT);
    let is_short = |text: &String| columns(text) <= room;
    if key.len() <= width && lines.iter().all(is_short) {
        writeln!(out, "    {mark}{key:<width$}  {first}")?;
        let pad = if mark.is_empty() {
            width
        } else {
            width.saturating_add(if style.unicode { 2 } else { 3 })
        };
        for more in rest {
            writeln!(out, "    {:<pad$}  {more}", "")?;
        }
        return Ok(());
    }
    writeln!(out, "    {mark}{key}")?;
    for text in lines {
        writeln!(out, "        {text}")?;
    }
    Ok(())
}

/// A value: an array one element a line, anything else as JSON.
fn value_lines(value: &Value) -> Vec<String> {
    match value {
        Value::Array(elements) if !elements.is_empty() => elements.iter().map(plain).collect(),
        other => vec![plain(other)],
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text::visible(text).into_owned(),
        other => text::visible(&to_json(other).to_string()).into_owned(),
    }
}
