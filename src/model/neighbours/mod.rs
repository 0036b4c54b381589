//! Which texts are like a text: the vectors of the encoder, compared by their angle.

mod index;
mod vector;

pub use index::Neighbours;
pub use vector::Vector;
