//! The operators with two sides.

use std::cmp::Ordering;

use super::{Evaluated, Scope, Thrown};
use crate::number;
use crate::rule::{Binary, Expression};
use crate::value::Value;

impl<'s> Scope<'s> {
    pub(super) fn binary(&'s self, binary: Binary, parts: &'s [Expression; 2]) -> Evaluated<'s> {
        let [left, right] = parts;
        self.apply(binary, self.evaluate(left)?, self.evaluate(right)?)
    }

    fn apply(&'s self, binary: Binary, left: Value<'s>, right: Value<'s>) -> Evaluated<'s> {
        let truth = match binary {
            Binary::Equal => left.equals(&right),
            Binary::Unequal => !left.equals(&right),
            Binary::LooselyEqual => left.loosely_equals(right, self)?,
            Binary::LooselyUnequal => !left.loosely_equals(right, self)?,
            Binary::Less => left.order(right, self)? == Some(Ordering::Less),
            Binary::LessOrEqual => matches!(left.order(right, self)?, Some(Ordering::Less | Ordering::Equal)),
            Binary::Greater => left.order(right, self)? == Some(Ordering::Greater),
            Binary::GreaterOrEqual => matches!(left.order(right, self)?, Some(Ordering::Greater | Ordering::Equal)),
            Binary::In => self.has(&right, &left.into_text(self)?)?,
            Binary::Add => return left.plus(right, self),
            Binary::Subtract
            | Binary::Multiply
            | Binary::Divide
            | Binary::Remainder
            | Binary::Power
            | Binary::ShiftLeft
            | Binary::ShiftRight
            | Binary::ShiftRightUnsigned
            | Binary::BitOr
            | Binary::BitXor
            | Binary::BitAnd => {
                return Ok(Value::Number(arithmetic(binary, left.into_number(self)?, right.into_number(self)?)));
            }
        };
        Ok(Value::Bool(truth))
    }
}

fn arithmetic(binary: Binary, left: f64, right: f64) -> f64 {
    let bits = |operate: fn(i32, i32) -> i32| f64::from(operate(to_int32(left), to_int32(right)));
    // Five bits say how far to shift.
    let shift = number::to_uint32(right) & 31;
    match binary {
        Binary::Subtract => left - right,
        Binary::Multiply => left * right,
        Binary::Divide => left / right,
        Binary::Remainder => left % right,
        Binary::Power => power(left, right),
        Binary::ShiftLeft => f64::from(to_int32(left).wrapping_shl(shift)),
        Binary::ShiftRight => f64::from(to_int32(left).wrapping_shr(shift)),
        Binary::ShiftRightUnsigned => f64::from(number::to_uint32(left).wrapping_shr(shift)),
        Binary::BitOr => bits(|left, right| left | right),
        Binary::BitXor => bits(|left, right| left ^ right),
        Binary::BitAnd => bits(|left, right| left & right),
        Binary::LooselyEqual
        | Binary::LooselyUnequal
        | Binary::Equal
        | Binary::Unequal
        | Binary::Less
        | Binary::LessOrEqual
        | Binary::Greater
        | Binary::GreaterOrEqual
        | Binary::Add
        | Binary::In => f64::NAN,
    }
}

/// `**`, which knows no limit of ±1 to the infinite.
fn power(base: f64, exponent: f64) -> f64 {
    let no_limit = exponent.is_infinite() && (base.abs() - 1.0) == 0.0;
    if exponent.is_nan() || no_limit { f64::NAN } else { base.powf(exponent) }
}

/// The number as a signed integer of 32 bits.
pub(super) fn to_int32(number: f64) -> i32 {
    number::to_uint32(number).cast_signed()
}

pub(super) fn type_error<T>(message: impl Into<String>) -> Result<T, Thrown> {
    Err(Thrown::Type { message: message.into() })
}
