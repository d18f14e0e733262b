//! No header but one that was sealed unlocks, and no record but one that was sealed opens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use usher_vault::{MasterKey, Secret, SecretName, Vault};

fuzz_target!(|input: (&[u8], &[u8])| {
    let (header, record) = input;
    let master = MasterKey::parse(&[b'7'; 64]).expect("a key");
    assert!(Vault::unlock(&master, header).is_err());
    let (vault, _) = Vault::create(&master).expect("randomness");
    let name: SecretName = "name".parse().expect("a name");
    let secret = Secret::try_from(b"value".to_vec()).expect("a secret");
    let (vault, _) = vault.set(&name, &secret).expect("randomness");
    assert!(vault.open(&name, Some(record)).is_err());
});
