//! Rules about what Mach-O files say of themselves: each fires on its case and keeps silent on a near miss.

use sealcheck::finding::Severity;

use crate::support::foundry::{Code, IOS, app, ios_app, library, of, tool};
use crate::support::macho::{ENVIRONMENT, IDENTITY, Thin, arm64, i386, x86_64};
use crate::support::plist::entries;

use Severity::{Error, Note, Warning};

const FRAMEWORKS: &str = "@executable_path/../Frameworks";
const LEFT_BEHIND: &str = "/Users/runner/work/acme/build/lib";

#[track_caller]
fn expect(code: &Code, expected: &[(&'static str, Severity)]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(code.found(), expected, "{:#?}", code.advice().findings);
}

fn acme() -> Code {
    app("com.example.acme").run_paths(&[FRAMEWORKS])
}

/// An app that links this library.
fn with(codec: Code) -> Code {
    acme()
        .links(&["@rpath/codec.dylib"])
        .nested("Frameworks/codec.dylib", codec)
}

fn built_with(sdk: u32) -> impl Fn(&mut Thin) {
    move |thin| thin.build_version.2 = sdk
}

fn named(name: &str) -> impl Fn(&mut Thin) {
    move |thin| thin.paths.push((IDENTITY, 24, name.to_owned()))
}

#[test]
fn paths_of_the_build_machine() {
    let rule = "build-path-leak";
    expect(&acme().run_paths(&[LEFT_BEHIND]), &[(rule, Warning)]);
    expect(
        &with(library("codec").macho(named(&format!("{LEFT_BEHIND}/codec.dylib")))),
        &[(rule, Warning)],
    );
    // Where something is looked for behind it, that is what matters.
    let code = with(library("codec")).run_paths(&[LEFT_BEHIND]);
    expect(&code, &[("gatekeeper-dangling-rpath", Warning)]);
    expect(
        &with(library("codec").macho(named("/Developer/lib/codec.dylib"))),
        &[("install-name-absolute", Note)],
    );
    expect(&with(library("codec").macho(named("/usr/lib/codec.dylib"))), &[]);
    expect(&with(library("codec").macho(named("@rpath/codec.dylib"))), &[]);
}

#[test]
fn run_paths_that_are_there_twice() {
    let rule = "duplicate-rpath";
    let twice = || library("codec").run_paths(&["@loader_path", "@loader_path"]);
    expect(&with(twice()), &[(rule, Error)]);
    // dyld minds only what was built lately, and only what is loaded.
    expect(&with(twice().macho(built_with(0x000e_0000))), &[(rule, Warning)]);
    expect(
        &acme().nested("Frameworks/codec.dylib", twice()),
        &[(rule, Warning)],
    );
    expect(
        &with(library("codec").run_paths(&["@loader_path", "@loader_path/"])),
        &[(rule, Warning)],
    );
    expect(
        &with(library("codec").run_paths(&["@loader_path", "@loader_path/.."])),
        &[],
    );
}

#[test]
fn settings_for_dyld() {
    let set = |thin: &mut Thin| {
        let setting = "DYLD_FRAMEWORK_PATH=@executable_path/../Frameworks";
        thin.paths.push((ENVIRONMENT, 12, setting.to_owned()));
    };
    let allowed = || entries! { "com.apple.security.cs.allow-dyld-environment-variables" => true };
    expect(&acme().macho(set), &[("dyld-environment-command", Warning)]);
    expect(&acme().macho(set).entitlements(allowed()), &[]);
    let variables = |name: &str| acme().info(entries! { "LSEnvironment" => entries! { name => "1" } });
    expect(
        &variables("DYLD_PRINT_LIBRARIES"),
        &[("dyld-variables-in-plist", Warning)],
    );
    expect(&variables("DYLD_PRINT_LIBRARIES").entitlements(allowed()), &[]);
    expect(&variables("ACME_HOME"), &[]);
}

#[test]
fn old_sdks() {
    let rule = "sdk-too-old";
    expect(
        &with(library("codec").macho(built_with(0x000a_0800))),
        &[(rule, Error)],
    );
    expect(&with(library("codec").macho(built_with(0))), &[(rule, Error)]);
    expect(&with(library("codec").macho(built_with(0x000a_0900))), &[]);
    // There is no old code for arm64.
    let mut young = library("codec").macho(built_with(0));
    young.slices.remove(0);
    let mut code = with(young);
    code.slices.remove(0);
    expect(&code, &[]);
}

#[test]
fn uuids() {
    let rule = "missing-uuid";
    let without = |thin: &mut Thin| thin.uuid = None;
    expect(&acme().macho(without), &[(rule, Error)]);
    expect(
        &acme().macho(without).macho(built_with(0x000b_0000)),
        &[(rule, Warning)],
    );
    expect(&with(library("codec").macho(without)), &[(rule, Warning)]);
    let same = |thin: &mut Thin| thin.uuid = Some([7; 16]);
    let helper = |identifier: &str| app(identifier).macho(same);
    let code = acme()
        .macho(same)
        .nested("Helpers/helper.app", helper("com.example.helper"));
    expect(&code, &[("duplicate-main-uuid", Warning)]);
    assert_eq!(
        of(&code.advice(), "duplicate-main-uuid").len(),
        1,
        "once for both architectures"
    );
    let code = acme().nested("Helpers/helper.app", helper("com.example.helper"));
    expect(&code, &[]);
}

#[test]
fn architectures_of_the_past() {
    let rule = "dead-architectures";
    let of_slices = |slices: Vec<Thin>| {
        let mut code = tool("com.example.tool");
        code.slices = slices;
        code
    };
    expect(&of_slices(vec![i386(b"a")]), &[(rule, Error)]);
    expect(
        &of_slices(vec![arm64(b"b"), x86_64(b"c"), i386(b"d")]),
        &[(rule, Note)],
    );
    expect(&of_slices(vec![x86_64(b"e")]), &[("no-arm64", Note)]);
    expect(&of_slices(vec![arm64(b"f")]), &[]);
}

#[test]
fn a_tool_with_two_identifiers() {
    let with_plist = |identifier: &str| {
        let plist = crate::support::plist::xml(&entries! { "CFBundleIdentifier" => identifier });
        tool("com.example.tool").macho(|thin| thin.info_plist = Some(plist.clone()))
    };
    expect(
        &with_plist("com.example.other"),
        &[("embedded-info-plist-mismatch", Warning)],
    );
    expect(&with_plist("com.example.tool"), &[]);
}

#[test]
fn encrypted_code() {
    let crypt = |number: u32| {
        tool("com.example.tool")
            .macho(move |thin| thin.commands.push((0x2c, vec![0x1000, 0x1000, number, 0])))
    };
    expect(&crypt(1), &[("encrypted-slice", Error)]);
    expect(&crypt(0), &[]);
}

#[test]
fn memory_that_can_be_written_and_executed() {
    let rule = "writable-and-executable-segment";
    expect(
        &acme().macho(|thin| thin.protections = (7, 7)),
        &[(rule, Warning)],
    );
    expect(
        &acme().macho(|thin| thin.header_flags |= 0x2_0000),
        &[(rule, Warning)],
    );
    // As old linkers wrote it.
    expect(&acme().macho(|thin| thin.protections = (7, 5)), &[]);
}

#[test]
fn files_of_the_linker() {
    let rule = "object-and-archive-files";
    expect(&acme().file("Resources/libacme.a", b"!<arch>\n"), &[(rule, Note)]);
    expect(
        &acme().file("Resources/acme.dSYM/Contents/Info.plist", b"{}"),
        &[(rule, Note)],
    );
    expect(&acme().file("Resources/a.out.txt", b"text"), &[]);
}

#[test]
fn code_for_another_system() {
    let rule = "foreign-platform-slice";
    expect(&with(library("codec").platform(IOS)), &[(rule, Error)]);
    let code = acme().nested("Frameworks/codec.dylib", library("codec").platform(IOS));
    expect(&code, &[(rule, Warning)]);
    assert!(of(&ios_app("com.example.acme").advice(), rule).is_empty());
}

#[test]
fn segments_that_share_bytes() {
    // LC_SEGMENT_64 of the first page, which is __TEXT's.
    let name = |text: &str| {
        let mut field = [0u8; 16];
        field[..text.len()].copy_from_slice(text.as_bytes());
        field
            .chunks(4)
            .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
            .collect::<Vec<_>>()
    };
    let segment = |size: u32| {
        tool("com.example.tool").macho(move |thin| {
            let mut words = name("__DATA");
            words.extend([0, 0, 0x1000, 0, 0x1000, 0, size, 0, 3, 3, 0, 0]);
            thin.commands.push((0x19, words));
        })
    };
    expect(&segment(0x800), &[("segments-overlap", Error)]);
    expect(&segment(0), &[]);
}

#[cfg(unix)]
#[test]
fn programs_with_the_rights_of_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let rule = "restricted-by-setuid";
    let code = acme()
        .nested(
            "MacOS/helper",
            tool("com.example.helper").links(&["@executable_path/../Frameworks/codec.dylib"]),
        )
        .nested("Frameworks/codec.dylib", library("codec"));
    let built = code.built();
    assert!(of(&built.advice(None), rule).is_empty());
    let helper = built.path.join("Contents/MacOS/helper");
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let advice = built.advice(None);
    assert_eq!(of(&advice, rule).len(), 1, "{:#?}", advice.findings);
}
