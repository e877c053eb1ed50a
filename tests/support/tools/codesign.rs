//! `codesign`: signs files and bundles on disk, and writes out entitlements.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::image::{Image, Slice, blobs, cdhash, identifier, join, slices};
use super::plutil::{Tree, read};
use super::{Refusal, Shell};
use crate::support::bundle::{RULES, Seal};
use crate::support::cms::CmsSigner;
use crate::support::foundry::{By, FLAT_RULES, TEAM, apple, identity};
use crate::support::plist::{self, Entries, entries};
use crate::support::signature::{Bound, RUNTIME, SHA256, Signer, adhoc, blob, certified, digest};

/// What is asked for.
#[derive(Default)]
struct Order<'a> {
    identity: &'a str,
    identifier: Option<&'a str>,
    has_runtime: bool,
    is_stamped: bool,
    entitlements: Option<Entries>,
    preserved: Vec<&'a str>,
    /// Constraints by their special slots.
    constraints: Vec<(u32, Entries)>,
}

pub fn run(shell: &Shell, arguments: &[&str]) -> Result<(), Refusal> {
    if let ["-d", "--entitlements", file, "--xml", path] = arguments {
        let main = Bundle::of(&shell.at(path))?.main;
        let bytes = fs::read(&main).map_err(|error| error.to_string())?;
        let xml = old_blobs(&slices(&bytes)?.0[0])
            .into_iter()
            .find(|(slot, _)| *slot == 5)
            .ok_or("no entitlements")?;
        return shell.write(&shell.at(file), &xml.1[8..]);
    }
    let mut order = Order::default();
    let mut paths = Vec::new();
    let mut rest = arguments.iter().copied();
    let mut is_signing = false;
    while let Some(word) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{word} needs a value"));
        match word {
            "-f" => {}
            "-s" => {
                is_signing = true;
                order.identity = value()?;
            }
            "-i" => order.identifier = Some(value()?),
            "--options" => order.has_runtime = value()? == "runtime",
            "--timestamp" => order.is_stamped = true,
            "--entitlements" => order.entitlements = Some(read(shell, value()?)?),
            "--launch-constraint-self" => order.constraints.push((8, read(shell, value()?)?)),
            "--launch-constraint-parent" => order.constraints.push((9, read(shell, value()?)?)),
            "--launch-constraint-responsible" => order.constraints.push((10, read(shell, value()?)?)),
            "--library-constraint" => order.constraints.push((11, read(shell, value()?)?)),
            "--digest-algorithm=sha1,sha256" => {}
            word => match word.strip_prefix("--preserve-metadata=") {
                Some(what) => order.preserved = what.split(',').collect(),
                None if word.starts_with('-') => return Err(format!("no option {word}")),
                None => paths.push(word),
            },
        }
    }
    if !is_signing || paths.is_empty() {
        return Err("nothing to sign".into());
    }
    for path in paths {
        sign(&shell.at(path), &order).map_err(|why| format!("{path}: {why}"))?;
    }
    Ok(())
}

/// Where the parts of code are.
struct Bundle {
    main: PathBuf,
    /// Folder with the seal, path of the executable from there, and whether it has no `Contents`.
    support: Option<(PathBuf, String, bool)>,
    info: Option<Vec<u8>>,
}

impl Bundle {
    fn of(path: &Path) -> Result<Self, Refusal> {
        let facts = fs::metadata(path).map_err(|error| error.to_string())?;
        if !facts.is_dir() {
            return Ok(Self {
                main: path.to_path_buf(),
                support: None,
                info: None,
            });
        }
        let (support, folder, is_flat) = if path.join("Contents").is_dir() {
            (path.join("Contents"), "MacOS/", false)
        } else if path.join("Versions").exists() {
            let current = path.join("Versions/Current");
            if !current.is_symlink() {
                return Err("bundle format is ambiguous (could be app or framework)".into());
            }
            (
                fs::canonicalize(current).map_err(|error| error.to_string())?,
                "",
                false,
            )
        } else {
            (path.to_path_buf(), "", true)
        };
        let info = ["Info.plist", "Resources/Info.plist"]
            .iter()
            .find_map(|name| fs::read(support.join(name)).ok())
            .ok_or("bundle format unrecognized, invalid, or unsuitable")?;
        let list = super::plutil::parse(&info)?;
        let Some(Tree::Text(name)) = list.get("CFBundleExecutable") else {
            // An XCFramework is signed by its Info.plist.
            return match path
                .extension()
                .is_some_and(|extension| extension == "xcframework")
            {
                true => Ok(Self {
                    main: path.join("Info.plist"),
                    support: Some((support, String::new(), is_flat)),
                    info: Some(info),
                }),
                false => Err("code object is not signed at all: no CFBundleExecutable".into()),
            };
        };
        let executable = format!("{folder}{name}");
        let main = support.join(&executable);
        if !main.is_file() {
            return Err("code has no executable".into());
        }
        Ok(Self {
            main,
            support: Some((support, executable, is_flat)),
            info: Some(info),
        })
    }
}

fn old_blobs(slice: &Slice) -> Vec<(u32, Vec<u8>)> {
    let image = Image::of(&slice.bytes).unwrap();
    image.signature().map(blobs).unwrap_or_default()
}

fn sign(path: &Path, order: &Order<'_>) -> Result<(), Refusal> {
    let bundle = Bundle::of(path)?;
    let bytes = fs::read(&bundle.main).map_err(|error| error.to_string())?;
    let seal = match &bundle.support {
        None => None,
        Some((support, executable, is_flat)) => {
            let nested = nested(support, executable)?;
            let seal = Seal {
                support,
                executable,
                nested: &nested,
                rules: if *is_flat { FLAT_RULES } else { RULES },
                version: 2,
            };
            let seal = seal.build();
            crate::support::bundle::write(&support.join("_CodeSignature/CodeResources"), &seal);
            Some(seal)
        }
    };
    if let (Some((support, name, _)), Some(seal)) = (&bundle.support, &seal)
        && name.is_empty()
    {
        let signer = signer(path, None, Some(&bytes), order)?;
        write_files(&support.join("_CodeSignature"), &bytes, seal, &signer);
        return Ok(());
    }
    let (all, is_universal) = slices(&bytes)?;
    let mut signed = Vec::new();
    for slice in &all {
        let image = Image::of(&slice.bytes)?;
        let section = image.section("__info_plist");
        let info = bundle.info.clone().or(section);
        let signer = signer(path, Some(slice), info.as_deref(), order)?;
        let bound = Bound {
            info: info.as_deref(),
            resources: seal.as_deref(),
        };
        let draft = image.with_room(0x4000)?;
        let room = (signer.signature(&draft.bytes, bound).len() + 64).next_multiple_of(16);
        let image = image.with_room(room)?;
        let mut signature = signer.signature(&image.bytes, bound);
        signature.resize(room, 0);
        signed.push(Slice {
            bytes: [image.bytes, signature].concat(),
            ..slice.clone()
        });
    }
    let file = match is_universal {
        true => join(&signed),
        false => signed.remove(0).bytes,
    };
    fs::write(&bundle.main, file).map_err(|error| error.to_string())
}

/// Writes the signature of a bundle without code beside its seal.
fn write_files(meta: &Path, info: &[u8], seal: &[u8], signer: &Signer) {
    let bound = Bound {
        info: Some(info),
        resources: Some(seal),
    };
    let directory = signer.code_directory(SHA256, info, bound);
    let hashes = [(SHA256, digest(SHA256, &directory))];
    let identity = signer.identity.as_ref();
    let cms = identity.map(|identity| identity.sign(&directory, &hashes));
    let files = [
        ("CodeDirectory", directory),
        ("CodeRequirements", signer.special[&2].clone()),
        ("CodeSignature", cms.unwrap_or_default()),
    ];
    for (name, bytes) in files {
        fs::write(meta.join(name), bytes).unwrap();
    }
}

fn signer(
    path: &Path,
    slice: Option<&Slice>,
    info: Option<&[u8]>,
    order: &Order<'_>,
) -> Result<Signer, Refusal> {
    let old = slice.map(old_blobs).unwrap_or_default();
    let old_identifier = old
        .iter()
        .find(|(slot, _)| *slot == 0)
        .map(|(_, blob)| identifier(blob));
    let keeps = |what: &str| order.preserved.contains(&what);
    let listed = info
        .and_then(|info| super::plutil::parse(info).ok())
        .and_then(|list| match list.get("CFBundleIdentifier") {
            Some(Tree::Text(text)) => Some(text.clone()),
            _ => None,
        });
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let identifier = order
        .identifier
        .map(str::to_owned)
        .or(old_identifier.filter(|_| keeps("identifier")))
        .or(listed)
        .unwrap_or(name);
    let by = match order.identity {
        "-" => By::Adhoc,
        name if name.starts_with("Developer ID Application") => By::DeveloperId,
        name if name.starts_with("Apple Distribution") => By::Distribution,
        name if name.starts_with("Apple Development") => By::Development,
        other => return Err(format!("{other}: no identity found")),
    };
    let base = match identity(by, TEAM) {
        None => adhoc(&identifier),
        Some(leaf) => certified(
            &identifier,
            CmsSigner {
                timestamp: order.is_stamped.then(|| apple().stamps()),
                ..CmsSigner::new(&leaf)
            },
        ),
    };
    let mut special: BTreeMap<u32, Vec<u8>> = base.special.clone();
    let is_program = match slice {
        Some(slice) => Image::of(&slice.bytes)?.word(12) == crate::support::macho::EXECUTE,
        None => false,
    };
    if let Some(entitlements) = &order.entitlements {
        special.insert(5, blob(0xfade_7171, &plist::xml(entitlements)));
        if is_program {
            special.insert(7, blob(0xfade_7172, &plist::der(entitlements)));
        }
    }
    let kept = [
        ("entitlements", 5..=7),
        ("launch-constraints", 8..=10),
        ("library-constraints", 11..=11),
    ];
    for (what, range) in kept {
        for (slot, bytes) in &old {
            if keeps(what) && range.contains(slot) {
                special.insert(*slot, bytes.clone());
            }
        }
    }
    for (slot, constraint) in &order.constraints {
        let envelope = entries! { "ccat" => 0, "comp" => 1, "reqs" => constraint.clone(), "vers" => 1 };
        special.insert(*slot, blob(0xfade_8181, &plist::der(&envelope)));
    }
    Ok(Signer {
        flags: base.flags | if order.has_runtime { RUNTIME } else { 0 },
        team: (by != By::Adhoc).then(|| TEAM.to_owned()),
        version: 0x20500,
        special,
        ..base
    })
}

/// The code in places for nested code, with the cdhashes of its slices. What is not signed there stops `codesign`.
fn nested(support: &Path, executable: &str) -> Result<BTreeMap<String, Vec<Vec<u8>>>, Refusal> {
    const PLACES: [&str; 9] = [
        "Frameworks",
        "SharedFrameworks",
        "PlugIns",
        "Plug-ins",
        "XPCServices",
        "Helpers",
        "MacOS",
        "Library/LoginItems",
        "Library/Spotlight",
    ];
    let mut found = BTreeMap::new();
    for place in PLACES {
        if support.join(place).is_dir() {
            among(support, place, executable, &mut found)?;
        }
    }
    // Files beside the executable, as frameworks have them.
    for entry in fs::read_dir(support).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let is_other =
            name != executable && !["Info.plist", "PkgInfo", "CodeResources"].contains(&name.as_str());
        let is_file = entry.file_type().unwrap().is_file();
        let head = is_file.then(|| fs::read(entry.path()).unwrap());
        if is_other && head.is_some_and(|bytes| slices(&bytes).is_ok()) {
            found.insert(
                name.clone(),
                cdhashes(&entry.path()).map_err(|why| inside(&why, &entry.path()))?,
            );
        }
    }
    Ok(found)
}

fn inside(why: &str, path: &Path) -> Refusal {
    format!("{why}\nIn subcomponent: {}", path.display())
}

fn among(
    support: &Path,
    folder: &str,
    executable: &str,
    found: &mut BTreeMap<String, Vec<Vec<u8>>>,
) -> Result<(), Refusal> {
    for entry in fs::read_dir(support.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if path == executable || entry.file_type().unwrap().is_symlink() || name == ".DS_Store" {
            continue;
        }
        // A folder with a dot in its name is taken for a bundle.
        if entry.file_type().unwrap().is_dir() && !name.contains('.') {
            among(support, &path, executable, found)?;
            continue;
        }
        let hashes = cdhashes(&entry.path()).map_err(|why| inside(&why, &entry.path()))?;
        found.insert(path, hashes);
    }
    Ok(())
}

/// The cdhashes of the slices of code.
pub fn cdhashes(path: &Path) -> Result<Vec<Vec<u8>>, Refusal> {
    let main = Bundle::of(path)?.main;
    let bytes = fs::read(&main).map_err(|error| error.to_string())?;
    let (all, _) = slices(&bytes).map_err(|_| "code object is not signed at all")?;
    all.iter()
        .map(|slice| {
            let image = Image::of(&slice.bytes)?;
            image
                .signature()
                .and_then(cdhash)
                .ok_or_else(|| "code object is not signed at all".to_owned())
        })
        .collect()
}
