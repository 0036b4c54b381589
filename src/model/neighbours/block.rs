//! Vectors that stand one after the other, so that looking at all of them reads memory in order.

use super::vector::{Vector, dot};

/// Some vectors of one width, with their lengths.
#[derive(Debug)]
pub(super) struct Block {
    width: usize,
    numbers: Vec<i8>,
    lengths: Vec<f32>,
}

impl Block {
    /// So many belong into one block; one thread looks at them in one go.
    pub(super) const ROOM: usize = 1_024;

    /// For vectors of so many numbers.
    pub(super) fn new(width: usize) -> Self {
        Self { width, numbers: Vec::new(), lengths: Vec::new() }
    }

    /// This one alone.
    pub(super) fn of(vector: &Vector) -> Self {
        let mut block = Self::new(vector.numbers().len());
        block.push(vector);
        block
    }

    pub(super) fn push(&mut self, vector: &Vector) {
        self.numbers.extend_from_slice(vector.numbers());
        self.lengths.push(vector.length());
    }

    pub(super) fn len(&self) -> usize {
        self.lengths.len()
    }

    pub(super) fn numbers(&self, row: usize) -> &[i8] {
        &self.numbers[row * self.width..][..self.width]
    }

    /// Of the angle between a vector of this block and one of another. Whoever compares vectors asks here, so that one pair has one figure.
    pub(super) fn cosine(&self, row: usize, other: &Self, other_row: usize) -> f32 {
        let product = dot(self.numbers(row), other.numbers(other_row)) as f32;
        product / (self.lengths[row] * other.lengths[other_row])
    }
}
