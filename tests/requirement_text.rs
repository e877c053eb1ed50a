//! Requirement text against Apple's compiler: `requirements.grammar`, of which ANTLR 2 generates `RequirementLexer.cpp` and
//! `RequirementParser.cpp`, and the exceptions of the ANTLR 2 library. Messages and places in the tables are those of that
//! code, compiled and run on the same texts.

use sealcheck::requirement::{Compiled, Requirement, RequirementSet};

/// The lines of the error of one rule of the grammar: `r` for `requirement`, `s` for `requirementSet`, `a` for `autosense`.
fn lines(rule: char, text: &str) -> Vec<String> {
    let error = match rule {
        'r' => Requirement::from_text(text).err(),
        's' => RequirementSet::from_text(text).err(),
        _ => Compiled::from_text(text).err(),
    };
    error
        .unwrap_or_else(|| panic!("{text:?} compiles"))
        .to_string()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn check(cases: &[(char, &str, &[&str])]) {
    for (rule, text, expected) in cases {
        assert_eq!(lines(*rule, text), *expected, "{rule} {text:?}");
    }
}

fn blob(text: &str) -> Vec<u8> {
    Requirement::from_text(text).unwrap().to_blob()
}

/// After a complete requirement or set, `match(EOF)` of the rules `requirement` and `requirementSet` names what was expected.
#[test]
fn text_after_a_complete_requirement() {
    check(&[
        (
            's',
            "host => always, guest => never",
            &["line 1:15: expecting EOF, found ','"],
        ),
        ('r', "always,", &["line 1:7: expecting EOF, found ','"]),
        (
            'r',
            "always;; never",
            &["line 1:10: expecting EOF, found 'never'"],
        ),
        ('s', "host => always;)", &["line 1:16: expecting EOF, found ')'"]),
        ('a', "always always", &["line 1:8: expecting EOF, found 'always'"]),
        (
            'a',
            "host => always \"x\"",
            &["line 1:16: expecting EOF, found 'x'"],
        ),
        (
            'a',
            "host => always H\"00\"",
            &["line 1:16: expecting EOF, found '00'"],
        ),
        (
            'a',
            "host => always /a/b",
            &["line 1:16: expecting EOF, found '/a/b'"],
        ),
        ('r', "always)", &["line 1:7: expecting EOF, found ')'"]),
        ('r', "identifier a.1b", &["line 1:15: expecting EOF, found 'b'"]),
    ]);
}

/// `Parser::match` names each other token that was expected, too; the end of the text has the empty text there, and is
/// called the end of file only where no alternative fits (`NoViableAltException`).
#[test]
fn tokens_that_were_expected() {
    check(&[
        ('s', "host", &["line 1:5: expecting ARROW, found ''"]),
        ('r', "(always", &["line 1:8: expecting RPAREN, found ''"]),
        (
            'r',
            "anchor generic",
            &["line 1:15: expecting \"apple\", found ''"],
        ),
        (
            'r',
            "anchor generic x",
            &["line 1:16: expecting \"apple\", found 'x'"],
        ),
        ('r', "info x", &["line 1:6: expecting LBRACK, found 'x'"]),
        ('r', "info[x", &["line 1:7: expecting RBRACK, found ''"]),
        (
            'r',
            "info[k] = timestamp x",
            &["line 1:21: expecting STRING, found 'x'"],
        ),
        (
            'r',
            "certificate - x[subject.CN]",
            &["line 1:15: expecting INTEGER, found 'x'"],
        ),
        ('r', "platform = x", &["line 1:12: expecting INTEGER, found 'x'"]),
        ('r', "always and", &["line 1:11: unexpected end of file"]),
    ]);
}

/// `MismatchedCharException` puts the name of a character, which has quotes already, in quotes; the end of the text has none
/// of its own. `NoViableAltForCharException` adds none.
#[test]
fn characters_that_were_expected() {
    check(&[
        ('r', "/* open", &["line 1:8: expecting ''*'', found 'EOF'"]),
        (
            'r',
            "always /* open *",
            &["line 1:17: expecting ''/'', found 'EOF'"],
        ),
        (
            'r',
            "identifier \"a\\n\"",
            &["line 1:15: expecting ''\"'', found ''n''"],
        ),
        (
            'r',
            "identifier \"a\\",
            &["line 1:15: expecting ''\"'', found 'EOF'"],
        ),
        (
            'r',
            "cdhash H\"12g\"",
            &["line 1:12: expecting ''\"'', found ''g''"],
        ),
        ('r', "cdhash H\"12", &["line 1:12: expecting ''\"'', found 'EOF'"]),
        ('r', "cdhash H\"\"", &["line 1:10: unexpected char: '\"'"]),
        ('r', "cdhash 0x", &["line 1:10: unexpected char: EOF"]),
        ('r', "info[k] = 0xg", &["line 1:13: unexpected char: 'g'"]),
        ('r', "identifier a.", &["line 1:14: unexpected char: EOF"]),
        ('r', "identifier a._", &["line 1:14: unexpected char: '_'"]),
        ('r', "anchor = /a", &["line 1:12: unexpected char: EOF"]),
        ('r', "anchor = /a/1", &["line 1:13: unexpected char: '1'"]),
        ('r', "anchor = /1", &["line 1:10: unexpected char: '/'"]),
        ('r', "_", &["line 1:1: unexpected char: '_'"]),
        ('r', "é", &["line 1:1: unexpected char: 0xC3"]),
        ('r', "always \u{1}", &["line 1:8: unexpected char: 0x01"]),
        ('r', "always \u{7f}", &["line 1:8: unexpected char: 0x7F"]),
    ]);
}

/// A fault of the lexer replaces what the parser has reported, wherever it is (`csparser.cpp`, the handler of
/// `TokenStreamException`): the parser always reads up to the end.
#[test]
fn a_character_that_does_not_fit_hides_other_faults() {
    check(&[
        ('a', "=> \"oops", &["line 1:9: expecting ''\"'', found 'EOF'"]),
        (
            's',
            "host always\nguest => _",
            &["line 2:10: unexpected char: '_'"],
        ),
    ]);
}

/// The grammar drops `0` and `x` of a hexadecimal number (`'0'! 'x'!` in `HEXCONSTANT`), so messages have only the digits.
#[test]
fn hexadecimal_numbers_in_messages() {
    check(&[
        (
            'r',
            "always 0xABCDEF",
            &["line 1:8: expecting EOF, found 'ABCDEF'"],
        ),
        (
            'r',
            "identifier 0x41",
            &[
                "line 1:12: unexpected token: 41",
                "line 1:16: unexpected end of file",
            ],
        ),
        ('r', "info[0x41] exists", &["line 1:6: unexpected token: 41"]),
        ('a', "0x41 => always", &["line 1:1: unexpected token: 41"]),
        (
            'r',
            "cdhash 0x00",
            &[
                "line 1:8: unexpected token: 00",
                "line 1:12: expecting HASHCONSTANT, found ''",
            ],
        ),
        ('a', "0 x41", &["line 1:3: expecting ARROW, found 'x41'"]),
    ]);
}

/// The rule `C_COMMENT` reads an asterisk and the character after it together, so an even number of asterisks before the
/// slash does not end a comment.
#[test]
fn asterisks_in_comments() {
    for text in [
        "/**/ always",
        "/****/ always",
        "/* ***/ always",
        "/*a*/always/*b*/",
    ] {
        assert_eq!(blob(text), blob("always"), "{text}");
    }
    check(&[
        ('r', "/***/ always", &["line 1:13: expecting ''*'', found 'EOF'"]),
        ('r', "/* **/ always", &["line 1:14: expecting ''*'', found 'EOF'"]),
        ('r', "/*/ always", &["line 1:11: expecting ''*'', found 'EOF'"]),
    ]);
}

/// A carriage return is not white space (`WS`). A comment up to the end of the line may contain one.
#[test]
fn carriage_returns() {
    check(&[
        ('r', "always\r", &["line 1:7: unexpected char: 0x0D"]),
        ('r', "always\r\nand never", &["line 1:7: unexpected char: 0x0D"]),
        ('r', "always # c\r\n\tx", &["line 2:9: expecting EOF, found 'x'"]),
    ]);
    assert_eq!(blob("always // c\r\n"), blob("always"));
}

/// `CharScanner::tab` goes to the column after the next multiple of 8; every byte is one column.
#[test]
fn columns() {
    check(&[
        ('r', "\talways x", &["line 1:16: expecting EOF, found 'x'"]),
        ('r', "always\t\tx", &["line 1:17: expecting EOF, found 'x'"]),
        ('r', "always \tx", &["line 1:9: expecting EOF, found 'x'"]),
        ('r', "always  \tx", &["line 1:17: expecting EOF, found 'x'"]),
        (
            'r',
            "identifier \"a\tb\" x",
            &["line 1:20: expecting EOF, found 'x'"],
        ),
        ('r', "always /*\t*/ x", &["line 1:20: expecting EOF, found 'x'"]),
        (
            'r',
            "identifier \"é\" x",
            &["line 1:17: expecting EOF, found 'x'"],
        ),
    ]);
}

/// Only the rule `WS` calls `newline`.
#[test]
fn line_breaks_inside_comments_and_strings_do_not_count() {
    check(&[
        (
            'r',
            "always /* a\nb */ x",
            &["line 1:18: expecting EOF, found 'x'"],
        ),
        (
            'r',
            "identifier \"a\nb\" x",
            &["line 1:18: expecting EOF, found 'x'"],
        ),
        ('r', "always // c\n x", &["line 2:2: expecting EOF, found 'x'"]),
        ('r', "always\n\n\n  x", &["line 4:3: expecting EOF, found 'x'"]),
    ]);
}

/// Each rule catches its own fault, skips one token and then those that cannot follow it (`Parser::recover`).
#[test]
fn several_faults_of_one_text() {
    check(&[
        (
            'r',
            "()",
            &[
                "line 1:1: unexpected token: (",
                "line 1:2: expecting EOF, found ')'",
            ],
        ),
        (
            'r',
            "identifier always",
            &[
                "line 1:12: unexpected token: always",
                "line 1:18: unexpected end of file",
            ],
        ),
        (
            's',
            "host => and guest => never, library => always",
            &[
                "line 1:9: unexpected token: and",
                "line 1:27: expecting EOF, found ','",
            ],
        ),
        (
            's',
            "host => (always guest => never",
            &["line 1:17: expecting RPAREN, found 'guest'"],
        ),
        // The first word decides about the rule, and each rule recovers in its own way.
        ('a', "=> or", &["line 1:1: unexpected token: =>"]),
        (
            'r',
            "=> or",
            &[
                "line 1:1: unexpected token: =>",
                "line 1:6: unexpected end of file",
            ],
        ),
    ]);
}

/// Two tokens decide about an alternative, so the first of them is named (`NoViableAltException(LT(1))`).
#[test]
fn alternatives_by_two_tokens() {
    check(&[
        ('r', "anchor always", &["line 1:1: unexpected token: anchor"]),
        (
            'r',
            "certificate always",
            &["line 1:1: unexpected token: certificate"],
        ),
        (
            'r',
            "certificate leaf always",
            &["line 1:18: unexpected token: always"],
        ),
        ('r', "info[x] = always", &["line 1:9: unexpected token: ="]),
        ('r', "info[x] < *", &["line 1:9: unexpected token: <"]),
        ('r', "info[x] = *", &["line 1:12: unexpected end of file"]),
        ('r', "info[x] = * a b", &["line 1:15: unexpected token: b"]),
        ('r', "info[x] ~ always", &["line 1:11: unexpected token: always"]),
        ('r', "anchor apple =", &["line 1:14: unexpected token: ="]),
    ]);
}

/// A value that cannot be used is a `SemanticException`, which has no place.
#[test]
fn values_that_cannot_be_used() {
    check(&[
        ('r', "info[k] = 0xabc", &[" odd number of digits"]),
        ('r', "cdhash H\"12\"", &[" invalid hash length"]),
        (
            'r',
            "certificate leaf[email] exists and never",
            &[" email: unrecognized certificate field"],
        ),
        // The token that was taken is skipped, and not one after it, since that was not looked at (`TokenBuffer`).
        (
            'r',
            "cdhash H\"12\" and",
            &[" invalid hash length", "line 1:17: unexpected end of file"],
        ),
        // A key counts where the bracket after it is missing, too.
        (
            'r',
            "certificate leaf[su",
            &[
                "line 1:20: expecting RBRACK, found ''",
                " su: unrecognized certificate field",
            ],
        ),
    ]);
}

/// `atol` and a cast to 32 bits read numbers; `CssmOwnedData::fromOid` reads identifiers and stops where no number is.
#[test]
fn numbers_are_read_loosely() {
    assert_eq!(blob("platform = 4294967297"), blob("platform = 1"));
    assert_eq!(
        blob("certificate 4294967295 trusted"),
        blob("certificate root trusted")
    );
    let set = |text: &str| RequirementSet::from_text(text).unwrap().to_blob();
    assert_eq!(
        set("4294967296 => always 99999999999999999999999 => never"),
        set("0 => always 4294967295 => never")
    );
    for (key, oid) in [
        ("field.1", ""),
        ("field.abc", ""),
        ("\"field. 1.-1.+2.x\"", "00000003270200"),
        (
            "field.1.2.99999999999999999999.3",
            "0000000c2a81ffffffffffffffff7f03",
        ),
        ("\"field.1.2..3\"", "000000032a0003"),
    ] {
        let blob = blob(&format!("certificate leaf[{key}] exists"));
        let hex: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
        let oid = if oid.is_empty() { "00000000" } else { oid };
        assert!(hex.contains(&format!("0000000e00000000{oid}")), "{key}: {hex}");
    }
}
