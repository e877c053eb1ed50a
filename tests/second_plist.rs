//! The `plist` crate reads the same property lists: real ones, and generated ones that it wrote itself.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use sealcheck::plist::{Value, parse};

use crate::corpus;
use crate::support::{notice, project};

/// Seconds from 1970 to 2001, where CoreFoundation's time begins.
const EPOCH: u64 = 978_307_200;

fn is_same(ours: &Value, theirs: &plist::Value) -> bool {
    match (ours, theirs) {
        (Value::Boolean(one), plist::Value::Boolean(other)) => one == other,
        (Value::Integer(one), plist::Value::Integer(other)) => {
            let signed = other.as_signed().map(i128::from);
            signed.or(other.as_unsigned().map(i128::from)) == Some(*one)
        }
        (Value::Real(one), plist::Value::Real(other)) => one.to_bits() == other.to_bits(),
        (Value::String(one), plist::Value::String(other)) => one == other,
        (Value::Data(one), plist::Value::Data(other)) => one == other,
        (Value::Date(one), plist::Value::Date(other)) => {
            let epoch = SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH);
            let seconds = match SystemTime::from(*other).duration_since(epoch) {
                Ok(after) => after.as_secs_f64(),
                Err(before) => -before.duration().as_secs_f64(),
            };
            (one - seconds).abs() < 1e-3
        }
        (Value::Array(one), plist::Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Dictionary(one), plist::Value::Dictionary(other)) => {
            let is_there = |(key, theirs): (&String, &plist::Value)| {
                one.get(key).is_some_and(|ours| is_same(ours, theirs))
            };
            one.len() == other.len() && other.iter().all(is_there)
        }
        (Value::Uid(one), plist::Value::Uid(other)) => *one == other.get(),
        _ => false,
    }
}

/// Everything below `folder` that begins like a property list.
fn lists(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(facts) = fs::symlink_metadata(&path) else {
            continue;
        };
        if facts.is_dir() {
            lists(&path, out);
        } else if facts.is_file() {
            let start = fs::read(&path).unwrap_or_default();
            if [&b"bplist0"[..], b"<?xml", b"<plist", b"<!DOCTYPE plist"]
                .iter()
                .any(|magic| start.starts_with(magic))
            {
                out.push(path);
            }
        }
    }
}

#[test]
fn the_plist_crate_reads_the_same_in_real_lists() {
    let mut all = Vec::new();
    lists(&project().join("testdata"), &mut all);
    let own = all.len();
    let corpus = corpus::unpacked();
    if let Some(corpus) = &corpus {
        lists(corpus.path(), &mut all);
    }
    let mut compared = 0;
    for path in all {
        let bytes = fs::read(&path).unwrap();
        match (parse(&bytes), plist::Value::from_reader(Cursor::new(&bytes))) {
            (Ok(ours), Ok(theirs)) => {
                assert!(is_same(&ours, &theirs), "{}", path.display());
                compared += 1;
            }
            (Err(_), Err(_)) => {}
            // Other XML than property lists: interface files and the like.
            (ours, theirs) => panic!("{}: {:?} and {:?}", path.display(), ours.err(), theirs.err()),
        }
    }
    notice(&format!("{compared} real property lists read alike"));
    // Those of the app that comes with the project are all good; the others are beside it or not.
    match corpus {
        Some(_) => assert!(compared > 5, "{compared}"),
        None => assert_eq!((compared, own), (4, 4)),
    }
}

fn values() -> impl Strategy<Value = plist::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(plist::Value::Boolean),
        any::<i64>().prop_map(|number| plist::Value::Integer(number.into())),
        any::<u64>().prop_map(|number| plist::Value::Integer(number.into())),
        (-1e9..1e9).prop_map(plist::Value::Real),
        // White space at the edges and control characters are no business of XML.
        "[ -~äß€]{0,20}".prop_map(|text| plist::Value::String(text.trim().to_owned())),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(plist::Value::Data),
        (0..4_000_000_000_u64).prop_map(|seconds| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            plist::Value::Date(time.into())
        }),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(plist::Value::Array),
            proptest::collection::hash_map("[a-zA-Z.&<]{1,9}", inner, 0..6)
                .prop_map(|entries| plist::Value::Dictionary(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_the_plist_crate_writes_is_read_alike(value in values()) {
        let mut xml = Vec::new();
        value.to_writer_xml(&mut xml).unwrap();
        let ours = parse(&xml).unwrap();
        prop_assert!(is_same(&ours, &value), "{}", String::from_utf8_lossy(&xml));
        let mut binary = Vec::new();
        value.to_writer_binary(&mut binary).unwrap();
        prop_assert!(is_same(&parse(&binary).unwrap(), &value), "{value:?}");
    }
}
