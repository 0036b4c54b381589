//! An encoder in either arithmetic.

use std::fmt;

use super::reference::ReferenceEncoder;
use super::weights::{EncoderFile, EncoderShape, LayerWeights};
use super::{Encoder, Pooled, Sequence};

/// In which numbers an encoder computes. The weights are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arithmetic {
    /// The kernels that are shipped.
    #[default]
    Integers,
    /// The reference that they are measured against.
    Floats,
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Arithmetic::Integers => "8-bit integers",
            Arithmetic::Floats => "32-bit floats",
        })
    }
}

/// An encoder that is ready to run.
pub enum AnyEncoder {
    Integers(Encoder),
    Floats(ReferenceEncoder),
}

impl AnyEncoder {
    /// As [`Encoder::from_file`].
    pub fn from_file(
        file: &EncoderFile,
        arithmetic: Arithmetic,
        change: impl Fn(usize, &mut LayerWeights) -> Result<(), String> + Sync,
    ) -> Result<Self, String> {
        Ok(match arithmetic {
            Arithmetic::Integers => Self::Integers(Encoder::from_file(file, change)?),
            Arithmetic::Floats => Self::Floats(ReferenceEncoder::from_file(file, change)?),
        })
    }

    pub fn shape(&self) -> EncoderShape {
        match self {
            Self::Integers(encoder) => encoder.shape(),
            Self::Floats(encoder) => encoder.shape(),
        }
    }

    /// As [`Encoder::pooled`].
    pub fn pooled(&self, sequences: &[Sequence]) -> Vec<Pooled> {
        match self {
            Self::Integers(encoder) => encoder.pooled(sequences),
            Self::Floats(encoder) => encoder.pooled(sequences),
        }
    }
}
