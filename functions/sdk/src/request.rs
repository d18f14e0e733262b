//! Reading a request.

use std::fmt;

use serde::Deserialize;

use crate::Request;
use crate::json::{self, InvalidJson};

impl Request {
    /// The value of the query parameter `name`; `None` when it is absent.
    ///
    /// A parameter that occurs twice is an error, since two readers may pick different ones.
    pub fn query(&self, name: &str) -> Result<Option<&str>, DuplicateParameter> {
        let mut values = self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(DuplicateParameter { name: name.to_owned() }),
        }
    }

    /// The first header called `name`, which is written in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, nested at most [`json::DEEPEST`] levels.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, InvalidJson> {
        json::parse(&self.body)
    }
}

/// A query parameter occurs more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateParameter {
    /// The parameter's name, as the client sent it.
    pub name: String,
}

impl fmt::Display for DuplicateParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "duplicate parameter `{}`", self.name)
    }
}

impl std::error::Error for DuplicateParameter {}

#[cfg(test)]
mod tests {
    use super::DuplicateParameter;
    use crate::fake::request;

    #[test]
    fn a_parameter_has_one_value_or_none() {
        let request =
            request("GET", "").with_query("a", "1").with_query("b", "").with_query("c", "2").with_query("c", "2");
        assert_eq!(request.query("a"), Ok(Some("1")));
        assert_eq!(request.query("b"), Ok(Some("")));
        assert_eq!(request.query("c"), Err(DuplicateParameter { name: "c".to_owned() }));
        assert_eq!(request.query("d"), Ok(None));
    }

    #[test]
    fn of_a_repeated_header_the_first_is_read() {
        let request = request("GET", "").with_header("x-a", "1").with_header("x-a", "2");
        assert_eq!((request.header("x-a"), request.header("x-b")), (Some("1"), None));
    }
}
