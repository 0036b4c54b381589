//! Which texts are like a text: the vectors of the encoder, compared by their angle.

mod block;
mod graph;
mod index;
mod vector;

pub use graph::{Draft, Graph};
pub use index::{EXACT_UP_TO, Neighbours};
pub use vector::Vector;
