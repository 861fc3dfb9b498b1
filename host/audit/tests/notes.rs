//! Signed notes, checkpoints and keys: the forms of C2SP signed-note and tlog-checkpoint, held strictly.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use huiyin_audit::{
    Checkpoint, CheckpointError, KeyError, MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError, SignedCheckpoint,
    SignerKey, VerifierKey, empty_root,
};
use proptest::prelude::*;

/// A note and its key as another implementation (signed_note for Elixir) publishes them.
const FOREIGN_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const FOREIGN_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, &[seed; 32]).unwrap()
}

#[test]
fn a_note_of_another_implementation_verifies() {
    let key: VerifierKey = FOREIGN_KEY.parse().unwrap();
    assert_eq!((key.name(), key.id()), ("example.com/foo", [0x53, 0x0d, 0x90, 0x3a]));
    assert_eq!(key.to_string(), FOREIGN_KEY);
    let note = Note::parse(FOREIGN_NOTE).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.to_string(), FOREIGN_NOTE);
    assert_eq!(note.verify(&[key]).unwrap().name(), "example.com/foo");
}

#[test]
fn unknown_signatures_are_passed_over_and_a_bad_known_one_spoils_the_note() {
    let (ours, theirs) = (signer("a.example", 1), signer("b.example", 2));
    let note = Note::sign("text\n".to_owned(), &[&theirs, &ours]).unwrap();
    let known = [ours.verifier().clone()];
    assert_eq!(note.verify(&known).unwrap(), &known[0]);
    let stranger = [signer("a.example", 3).verifier().clone()];
    let error = note.verify(&stranger).unwrap_err();
    assert_eq!(error.to_string(), "signed by b.example, a.example, and by none of the known keys (a.example)");
    let both = [ours.verifier().clone(), theirs.verifier().clone()];
    let (first, second) = (note.to_string(), Note::sign("other\n".to_owned(), &[&theirs]).unwrap().to_string());
    let line = |text: &str| text.lines().nth(2).unwrap().to_owned();
    let mixed = Note::parse(&first.replace(&line(&first), &line(&second))).unwrap();
    assert_eq!(mixed.verify(&both), Err(NoteError::BadSignature { key: "b.example".to_owned() }));
    assert!(mixed.verify(&known).is_ok());
}

#[test]
fn a_note_out_of_form_is_refused_with_its_line() {
    let line = FOREIGN_NOTE.lines().nth(2).unwrap();
    let many = format!("text\n\n{}", format!("{line}\n").repeat(MAX_SIGNATURES + 1));
    for (note, at) in [
        (String::new(), 1),
        (FOREIGN_NOTE.trim_end().to_owned(), 3),
        (FOREIGN_NOTE.replace("\n\n", "\n"), 2),
        ("text\n\n".to_owned(), 3),
        (FOREIGN_NOTE.replace('\u{2014}', "-"), 3),
        (FOREIGN_NOTE.replace("com/foo ", "com/foo+x "), 3),
        (FOREIGN_NOTE.replace("com/foo ", "com/foo  "), 3),
        (FOREIGN_NOTE.replace("AgM=", "AgM").replace("yaQM=", "yaQM"), 3),
        (FOREIGN_NOTE.replace("message", "mess\tage"), 1),
        (FOREIGN_NOTE.replace('\n', "\r\n"), 1),
        ("text\n\n\u{2014} name AAAAAA==\n".to_owned(), 3),
        (many, 3 + MAX_SIGNATURES),
    ] {
        match Note::parse(&note) {
            Err(NoteError::Form { line, .. }) => assert_eq!(line, at, "{note:.60}"),
            other => panic!("{note:.60}: {other:?}"),
        }
    }
    let large = "x".repeat(MAX_NOTE_BYTES + 1);
    assert_eq!(Note::parse(&large), Err(NoteError::TooLarge(MAX_NOTE_BYTES + 1)));
    assert!(Note::sign("no newline".to_owned(), &[&signer("a", 1)]).is_err());
}

#[test]
fn a_checkpoint_out_of_form_is_refused_with_its_line() {
    let root = empty_root();
    let good = format!("a.example/log\n0\n{root}\n");
    let parsed = Checkpoint::parse_text(&good).unwrap();
    assert_eq!(parsed, Checkpoint { origin: "a.example/log".to_owned(), size: 0, root, extensions: vec![] });
    let extended = Checkpoint::parse_text(&format!("{good}one\ntwo\n")).unwrap();
    assert_eq!(extended.extensions, ["one", "two"]);
    assert_eq!(extended.text(), format!("{good}one\ntwo\n"));
    for (text, at) in [
        (String::new(), 1),
        ("a\n".to_owned(), 1),
        ("a\n1\n".to_owned(), 2),
        (good.trim_end().to_owned(), 3),
        (good.replace("a.example/log", ""), 1),
        (good.replace("\n0\n", "\n00\n"), 2),
        (good.replace("\n0\n", "\n+1\n"), 2),
        (good.replace("\n0\n", "\n18446744073709551616\n"), 2),
        (good.replace("\n0\n", "\n\n"), 2),
        (good.replace("\n0\n", "\n0 \n"), 2),
        (good.replace('=', ""), 3),
        (good.replace(&root.to_base64(), "AAAA"), 3),
        (format!("{good}one\n\ntwo\n"), 5),
    ] {
        match Checkpoint::parse_text(&text) {
            Err(CheckpointError::Form { line, .. }) => assert_eq!(line, at, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn a_checkpoint_of_another_log_is_refused() {
    let key = signer("a.example/log", 1);
    let text = format!("b.example/log\n0\n{}\n", empty_root());
    let note = Note::sign(text, &[&key]).unwrap().to_string();
    let known = [key.verifier().clone()];
    assert!(SignedCheckpoint::open(&note, &known, None).is_ok());
    let error = SignedCheckpoint::open(&note, &known, Some("a.example/log")).unwrap_err();
    assert_eq!(error.to_string(), "the checkpoint is of the log \"b.example/log\", not of \"a.example/log\"");
}

#[test]
fn a_verifier_key_out_of_form_is_refused() {
    for (text, says) in [
        ("", "three parts"),
        ("name+530d903a", "three parts"),
        ("+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "cannot be a key name"),
        ("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "a character was changed"),
        ("example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "a character was changed"),
        ("example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", "not 01, Ed25519"),
        ("example.com/foo+530d903a+AekyeRrm", "32 bytes"),
        ("example.com/foo+530d903a+????", "base64"),
        // The neutral element: it would verify anything.
        ("x+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "weak"),
    ] {
        let error = text.parse::<VerifierKey>().unwrap_err();
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
}

#[test]
fn a_key_file_is_made_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/log.key");
    let made = SignerKey::load_or_create(&path, "a.example/log").unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("PRIVATE+KEY+a.example/log+"));
    let loaded = SignerKey::load_or_create(&path, "a.example/log").unwrap();
    assert_eq!(loaded.verifier(), made.verifier());
    assert_ne!(
        SignerKey::load_or_create(&folder.path().join("other"), "a.example/log").unwrap().verifier(),
        made.verifier()
    );
    assert!(!format!("{made:?}").contains(text.trim().rsplit('+').next().unwrap()), "the secret is never shown");
    let error = SignerKey::load_or_create(&path, "b.example/log").unwrap_err();
    assert!(matches!(error, KeyError::OtherName { .. }), "{error}");
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside the key");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_or_that_is_damaged_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.key");
    SignerKey::load_or_create(&path, "a.example/log").unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = SignerKey::load_or_create(&path, "a.example/log").unwrap_err();
    assert!(error.to_string().contains("may be read by others (mode 640): run chmod 600"), "{error}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for bad in [
        String::new(),
        text[12..].to_owned(),
        text[..text.len() - 9].to_owned(),
        text.replace("+KEY+a", "+KEY+b"),
        "x".repeat(5000),
    ] {
        std::fs::write(&path, &bad).unwrap();
        let error = SignerKey::load_or_create(&path, "a.example/log").unwrap_err();
        assert!(matches!(error, KeyError::File { .. }), "{bad:.40}: {error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), bad, "a damaged key is never replaced");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_note_or_an_error(text in "\\PC{0,40}\n{0,3}\\PC{0,40}", noise in any::<String>()) {
        for text in [text, noise] {
            if let Ok(note) = Note::parse(&text) {
                prop_assert_eq!(note.to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_signed_reads_back(lines in prop::collection::vec("[^\\x00-\\x1f]{0,30}", 1..6)) {
        let key = signer("a.example", 7);
        let text = format!("{}\n", lines.join("\n"));
        let note = Note::sign(text.clone(), &[&key]).unwrap();
        let read = Note::parse(&note.to_string()).unwrap();
        prop_assert_eq!(read.text(), text);
        prop_assert!(read.verify(&[key.verifier().clone()]).is_ok());
    }
}
