//! A vault of format 1 that every later version has to read.

use usher_vault::{MasterKey, RecordInfo, Vault};

use super::bed::name;

// Written by a program of its own, with another AES-GCM library, following the crate's documentation.
const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const HEADER: &[&str] = &[
    "5553484552564c540001101112131415161718191a1b1c1d1e1f46afdde2aad94d92e4827c7aa74f",
    "379b0000000000000007c3c3c3c3c3c3c3c3c3c3c3c36f19df31c17a76e8137825b8eef57714ec8a",
    "68c60fa197cb91443ab0653322b04b29c4ad7e996bf60c7f0212ead8222d7dcc6fba1cbdda14de04",
    "888b549bc3009348f4c8a1d5c898e242b87127ac2de2d340b621ae64806419aa93c423bba821930f",
    "3d0e3f52de89d294890d69559bb15a522bffdab79af967640f6105f84f9863c9d09b9c8380e927c6",
    "d1382dc5219521886a1281b4b3bed49b684cde793aae9216ac5775ffac35770a2250e2c82d7a585a",
    "bc8ed292f5be6485cdc35bf5bdce4b857ad315dc627961f182330fae5f6682950a9ef7f1d09d0d34",
    "1ff77c7c876949107cf3",
];
const RECORD_A: &[&str] =
    &["01000000030000000000000006a1a1a1a1a1a1a1a1a1a1a1a113cb33fb02bc18640526954d69004c", "2c174fbdab1e06116b61956efd"];
const RECORD_B: &[&str] = &[
    "01000000050000000000000007b2b2b2b2b2b2b2b2b2b2b2b2e9b92dd77a8e141c611686ea7cc279",
    "b6ce3225d518680c4f8d3be1400b069944d0",
];
const DERIVED_FOR_TOKENS: &str = "a4c12fa3404437de5548a601ec120376e29e1c441f1306f0972cfa5a71722d1d";

fn bytes(lines: &[&str]) -> Vec<u8> {
    hex::decode(lines.concat()).unwrap()
}

#[test]
fn a_vault_written_by_another_program_opens() {
    let vault = Vault::unlock(&MASTER.parse::<MasterKey>().unwrap(), &bytes(HEADER)).unwrap();
    assert_eq!(vault.generation(), 7);
    let cases = [("chat/a", RECORD_A, 6, 3, "first secret"), ("chat/b", RECORD_B, 7, 5, "zweites, größer")];
    assert_eq!(vault.names().len(), cases.len());
    for (text, record, version, data_key, value) in cases {
        assert_eq!(vault.info(&name(text)), Some(RecordInfo { version, data_key }), "{text}");
        assert_eq!(vault.open(&name(text), Some(&bytes(record))).unwrap().reveal(), value.as_bytes(), "{text}");
    }
    assert_eq!(hex::encode(vault.derive("tokens").reveal()), DERIVED_FOR_TOKENS);
}
