//! `install_name_tool`: changes the paths in load commands.

use super::image::{Image, Slice, join, slices};
use super::{Refusal, Shell};

const RUN_PATH: u32 = 0x8000_001c;
const IDENTITY: u32 = 0xd;
const LIBRARIES: [u32; 5] = [0xc, 0x8000_0018, 0x8000_001f, 0x20, 0x8000_0023];

pub fn run(shell: &Shell, arguments: &[&str]) -> Result<(), Refusal> {
    let (file, options) = arguments.split_last().ok_or("no file")?;
    let (all, is_universal) = slices(&shell.read(file)?)?;
    let mut changed = Vec::new();
    for slice in all {
        let mut image = Image::of(&slice.bytes)?;
        let mut commands = image.raw_commands();
        let mut rest = options;
        while let Some(option) = rest.first() {
            let (values, used) = match *option {
                "-change" | "-rpath" => (rest.get(1..3), 3),
                "-delete_rpath" | "-add_rpath" | "-id" => (rest.get(1..2), 2),
                other => return Err(format!("no option {other}")),
            };
            edit(&image, option, values.ok_or("a value is missing")?, &mut commands)?;
            rest = &rest[used..];
        }
        image.replace_commands(&commands)?;
        changed.push(Slice {
            bytes: image.bytes,
            ..slice
        });
    }
    let bytes = match is_universal {
        true => join(&changed),
        false => changed.remove(0).bytes,
    };
    shell.write(&shell.at(file), &bytes)
}

fn edit(image: &Image, option: &str, values: &[&str], commands: &mut Vec<Vec<u8>>) -> Result<(), Refusal> {
    let word = |bytes: &[u8], at: usize| {
        let field: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
        if image.encoded(1) == 1_u32.to_be_bytes() {
            u32::from_be_bytes(field)
        } else {
            u32::from_le_bytes(field)
        }
    };
    let path = |bytes: &[u8]| {
        let text = &bytes[word(bytes, 8) as usize..];
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        String::from_utf8_lossy(&text[..end]).into_owned()
    };
    let with = |bytes: &[u8], new: &str| {
        let fixed = word(bytes, 8) as usize;
        let size = (fixed + new.len() + 1).next_multiple_of(8);
        let mut changed = bytes[..fixed].to_vec();
        changed.extend(new.as_bytes());
        changed.resize(size, 0);
        changed[4..8].copy_from_slice(&image.encoded(size as u32));
        changed
    };
    let is = |bytes: &[u8], numbers: &[u32], old: Option<&str>| {
        numbers.contains(&word(bytes, 0)) && old.is_none_or(|old| path(bytes) == old)
    };
    let (numbers, old, new): (&[u32], Option<&str>, Option<&str>) = match (option, values) {
        ("-change", [old, new]) => (&LIBRARIES, Some(*old), Some(*new)),
        ("-rpath", [old, new]) => (&[RUN_PATH], Some(*old), Some(*new)),
        ("-delete_rpath", [old]) => (&[RUN_PATH], Some(*old), None),
        ("-id", [new]) => (&[IDENTITY], None, Some(*new)),
        ("-add_rpath", [new]) => {
            let mut bytes: Vec<u8> = [RUN_PATH, 0, 12]
                .iter()
                .flat_map(|value| image.encoded(*value))
                .collect();
            bytes = with(&bytes, new);
            commands.push(bytes);
            return Ok(());
        }
        _ => return Err("a value is missing".into()),
    };
    let at: Vec<usize> = (0..commands.len())
        .filter(|at| is(&commands[*at], numbers, old))
        .collect();
    if at.is_empty() && numbers == [RUN_PATH] {
        return Err(format!(
            "no LC_RPATH load command with path: {}",
            old.unwrap_or_default()
        ));
    }
    match new {
        Some(new) => at
            .into_iter()
            .for_each(|at| commands[at] = with(&commands[at], new)),
        // One at a time, the first.
        None => drop(commands.remove(at[0])),
    }
    Ok(())
}
