//! HMAC-SHA256 (RFC 2104) over keys of any length.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The bytes that SHA-256 takes at once.
const BLOCK: usize = 64;

/// HMAC-SHA256 of the message whose pieces are `pieces`.
pub(crate) fn hmac_sha256(key: &[u8], pieces: &[&[u8]]) -> [u8; 32] {
    fed(key, pieces).finalize().into_bytes().into()
}

/// Whether `tag` is the whole HMAC-SHA256 of `message`, in time that does not depend on where they differ.
pub(crate) fn verify_hmac_sha256(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    fed(key, &[message]).verify_slice(tag).is_ok()
}

fn fed(key: &[u8], pieces: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new((&*block(key)).into());
    for piece in pieces {
        mac.update(piece);
    }
    mac
}

/// The key as RFC 2104 feeds it: hashed if longer than a block, then padded with zeros to a block.
fn block(key: &[u8]) -> Zeroizing<[u8; BLOCK]> {
    let mut block = Zeroizing::new([0; BLOCK]);
    if key.len() > BLOCK {
        let digest = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(key)));
        fill(&mut block, digest.as_slice());
    } else {
        fill(&mut block, key);
    }
    block
}

fn fill(block: &mut [u8; BLOCK], key: &[u8]) {
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, message, expected tag in hex, of RFC 4231 section 4; test case 5 truncates its tag to 128 bits.
    fn rfc_4231() -> Vec<(&'static str, Vec<u8>, Vec<u8>, &'static str)> {
        let long = b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.";
        vec![
            (
                "1",
                vec![0x0b; 20],
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                "2",
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            ("3", vec![0xaa; 20], vec![0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                "4",
                (1..=25).collect(),
                vec![0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            ("5", vec![0x0c; 20], b"Test With Truncation".to_vec(), "a3b6167473100ee06e0c796c2955552b"),
            (
                "6",
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            ("7", vec![0xaa; 131], long.to_vec(), "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
        ]
    }

    #[test]
    fn the_tags_are_those_of_rfc_4231() {
        for (case, key, message, expected) in rfc_4231() {
            let tag = hex::encode(hmac_sha256(&key, &[&message]));
            assert!(tag.starts_with(expected), "case {case}: {tag}");
        }
    }

    #[test]
    fn only_the_whole_tag_verifies() {
        for (case, key, message, _) in rfc_4231() {
            let mut tag = hmac_sha256(&key, &[&message]);
            assert!(verify_hmac_sha256(&key, &message, &tag), "case {case}");
            assert!(!verify_hmac_sha256(&key, &message, &tag[..16]), "case {case}");
            assert!(!verify_hmac_sha256(&key, &message, &[]), "case {case}");
            tag[31] ^= 1;
            assert!(!verify_hmac_sha256(&key, &message, &tag), "case {case}");
        }
    }

    #[test]
    fn pieces_are_one_message() {
        assert_eq!(hmac_sha256(b"key", &[b"ab", b"", b"c"]), hmac_sha256(b"key", &[b"abc"]));
    }
}
