//! `lipo`: removes, takes out and joins architectures.

use super::image::{Slice, join, slices};
use super::{Refusal, Shell};

fn name(cpu: (u32, u32)) -> &'static str {
    match cpu {
        (0x0100_0007, _) => "x86_64",
        (0x0100_000c, subtype) if subtype & 0xff == 2 => "arm64e",
        (0x0100_000c, _) => "arm64",
        (7, _) => "i386",
        (18, _) => "ppc",
        _ => "unknown",
    }
}

pub fn run(shell: &Shell, arguments: &[&str]) -> Result<(), Refusal> {
    let (kept, output): (Vec<Slice>, &str) = match arguments {
        ["-remove", removed @ .., file, "-output", output] => {
            let removed: Vec<&str> = removed
                .iter()
                .copied()
                .filter(|word| *word != "-remove")
                .collect();
            let (all, is_universal) = slices(&shell.read(file)?)?;
            if !is_universal {
                return Err(format!(
                    "fatal error: input file ({file}) must be a fat file when the -remove option is specified"
                ));
            }
            for architecture in &removed {
                if !all.iter().any(|slice| name(slice.cpu) == *architecture) {
                    return Err(format!("{file} does not contain {architecture}"));
                }
            }
            let kept: Vec<Slice> = all
                .into_iter()
                .filter(|slice| !removed.contains(&name(slice.cpu)))
                .collect();
            if kept.is_empty() {
                return Err("-remove's specified would result in an empty fat file".into());
            }
            (kept, *output)
        }
        ["-thin", architecture, file, "-output", output] => {
            let (all, is_universal) = slices(&shell.read(file)?)?;
            if !is_universal {
                return Err(format!(
                    "input file ({file}) must be a fat file when the -thin option is specified"
                ));
            }
            let bytes = all.into_iter().find(|slice| name(slice.cpu) == *architecture);
            let bytes = bytes
                .ok_or(format!("{file} does not contain {architecture}"))?
                .bytes;
            return shell.write(&shell.at(output), &bytes);
        }
        ["-create", files @ .., "-output", output] => {
            let mut all = Vec::new();
            for file in files {
                all.extend(slices(&shell.read(file)?)?.0);
            }
            (all, *output)
        }
        _ => return Err("no such form of lipo".into()),
    };
    shell.write(&shell.at(output), &join(&kept))
}
