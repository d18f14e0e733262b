//! A list in JSON that is refused at its first item too many, so that what is read is never much more than what is kept.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// At most `MOST` items.
#[derive(Debug)]
pub(super) struct AtMost<T, const MOST: usize>(pub(super) Vec<T>);

impl<T, const MOST: usize> Default for AtMost<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for AtMost<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

struct Items<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Items<T, MOST> {
    type Value = AtMost<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MOST} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<AtMost<T, MOST>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            if items.len() == MOST {
                return Err(A::Error::invalid_length(MOST + 1, &self));
            }
            items.push(item);
        }
        Ok(AtMost(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_at_its_first_item_too_many() {
        for (json, expected) in [
            ("[]", Ok(vec![])),
            ("[1,2]", Ok(vec![1, 2])),
            ("[1,2,3]", Err("invalid length 3, expected at most 2 items")),
            ("[1,2,3,not even JSON", Err("invalid length 3, expected at most 2 items")),
        ] {
            let read = serde_json::from_str::<AtMost<u8, 2>>(json).map(|AtMost(items)| items);
            let read = read.map_err(|error| error.to_string().split(" at line").next().unwrap().to_owned());
            assert_eq!(read, expected.map_err(str::to_owned), "{json}");
        }
    }
}
