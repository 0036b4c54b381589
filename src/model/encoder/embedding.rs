//! Word embeddings, kept in the 4-bit blocks of the file and widened row by row as tokens ask for them.

use std::fmt;
use std::sync::Arc;

use candle_core::quantized::k_quants::QK4_0;

/// Bytes of one Q4_0 block: a half-precision scale and 32 four-bit values.
const BLOCK_BYTES: usize = 2 + QK4_0 / 2;

/// A table `[tokens, hidden]` of Q4_0 blocks. Clones share it.
#[derive(Clone)]
pub struct WordEmbeddings {
    blocks: Arc<[u8]>,
    row_bytes: usize,
}

impl WordEmbeddings {
    /// `blocks` holds the rows one after the other, each of `hidden / 32` blocks.
    pub(super) fn new(blocks: &[u8], hidden: usize) -> Result<Self, String> {
        let row_bytes = hidden / QK4_0 * BLOCK_BYTES;
        if !hidden.is_multiple_of(QK4_0) || row_bytes == 0 || !blocks.len().is_multiple_of(row_bytes) {
            return Err(format!(
                "expected whole rows of {hidden} values in Q4_0 blocks, found {} bytes",
                blocks.len()
            ));
        }
        Ok(Self { blocks: blocks.into(), row_bytes })
    }

    /// Number of tokens in the vocabulary.
    pub fn tokens(&self) -> usize {
        self.blocks.len() / self.row_bytes
    }

    /// Writes the embedding of `token` to `row`, which has `hidden` values. A token beyond the vocabulary is read as token 3
    /// (`<unk>` of XLM-R's vocabularies), so that a tokenizer that disagrees with the table cannot crash the process.
    pub fn widen(&self, token: u32, row: &mut [f32]) {
        const UNKNOWN: usize = 3;
        let index = token as usize;
        let index = if index < self.tokens() { index } else { UNKNOWN.min(self.tokens().saturating_sub(1)) };
        let blocks = &self.blocks[index * self.row_bytes..][..self.row_bytes];
        for (block, out) in blocks.chunks_exact(BLOCK_BYTES).zip(row.chunks_exact_mut(QK4_0)) {
            let scale = half_to_f32(u16::from_le_bytes([block[0], block[1]]));
            let (low, high) = out.split_at_mut(QK4_0 / 2);
            for ((byte, low), high) in block[2..].iter().zip(low).zip(high) {
                *low = (f32::from(byte & 0x0f) - 8.0) * scale;
                *high = (f32::from(byte >> 4) - 8.0) * scale;
            }
        }
    }
}

impl fmt::Debug for WordEmbeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WordEmbeddings({} tokens)", self.tokens())
    }
}

/// IEEE 754 binary16 to binary32.
fn half_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let fraction = u32::from(bits) & 0x3ff;
    match exponent {
        0 => {
            let magnitude = fraction as f32 * 2f32.powi(-24);
            f32::from_bits(sign | magnitude.to_bits())
        }
        0x1f => f32::from_bits(sign | 0x7f80_0000 | (fraction << 13)),
        _ => f32::from_bits(sign | ((exponent + 112) << 23) | (fraction << 13)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_reads_as_the_standard_says() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 5.960_464_5e-8), (0x0000, 0.0)]
        {
            assert_eq!(half_to_f32(bits), value);
        }
        assert!(half_to_f32(0x7c00).is_infinite());
    }

    #[test]
    fn a_block_widens_low_nibbles_first() {
        let mut block = vec![0x00, 0x3c];
        block.extend((0..16u8).map(|i| i | (15 - i) << 4));
        let table = WordEmbeddings::new(&block, 32).unwrap();
        let mut row = [0f32; 32];
        table.widen(0, &mut row);
        assert_eq!(row[0], -8.0);
        assert_eq!(row[15], 7.0);
        assert_eq!(row[16], 7.0);
        assert_eq!(row[31], -8.0);
        table.widen(99, &mut row); // beyond the table: no panic
    }
}
