//! A vector of the encoder, small enough to be kept for every inquiry.

/// Direction of a vector: one signed byte for each number, the largest of them 127. For how like two texts are, a byte tells as much as a float.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector(Box<[i8]>);

impl Vector {
    /// None for a vector without a direction, or with a number that is none.
    pub fn of(numbers: &[f32]) -> Option<Self> {
        let largest = numbers.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let usable = largest > 0.0 && numbers.iter().all(|number| number.is_finite());
        usable.then(|| Self(numbers.iter().map(|number| (number / largest * 127.0).round() as i8).collect()))
    }

    /// As it was kept. None if it has no direction.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let vector = Self(bytes.iter().map(|byte| i8::from_ne_bytes([*byte])).collect());
        (vector.length() > 0.0).then_some(vector)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().map(|number| number.to_ne_bytes()[0]).collect()
    }

    pub fn numbers(&self) -> &[i8] {
        &self.0
    }

    pub(super) fn length(&self) -> f32 {
        (dot(&self.0, &self.0) as f32).sqrt()
    }

    /// 1 for the same direction, 0 for a right angle, and for vectors of different kinds.
    pub fn cosine(&self, other: &Self) -> f32 {
        if self.0.len() != other.0.len() {
            return 0.0;
        }
        dot(&self.0, &other.0) as f32 / (self.length() * other.length())
    }
}

/// The compiler makes vector instructions of it: no sum of 127² over a thousand numbers leaves 32 bits.
pub(super) fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

#[cfg(test)]
mod tests {
    use rand::prelude::*;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn bytes_keep_the_angle() {
        let mut random = StdRng::seed_from_u64(7);
        let mut some = || -> Vec<f32> { (0..384).map(|_| random.random_range(-1.0..1.0)).collect() };
        for _ in 0..50 {
            let (a, b) = (some(), some());
            let close: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + 0.2 * b).collect();
            let exact = |a: &[f32], b: &[f32]| {
                let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
                dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
            };
            for other in [&b, &close] {
                let kept = Vector::of(&a).unwrap().cosine(&Vector::of(other).unwrap());
                assert!((kept - exact(&a, other)).abs() < 0.005, "{kept} {}", exact(&a, other));
            }
        }
    }

    #[test]
    fn what_has_no_direction_is_no_vector() {
        assert_eq!(Vector::of(&[0.0, 0.0]), None);
        assert_eq!(Vector::of(&[1.0, f32::NAN]), None);
        assert_eq!(Vector::of(&[1.0, f32::INFINITY]), None);
        assert_eq!(Vector::from_bytes(&[0, 0]), None);
        let vector = Vector::of(&[1.0, -2.0, 0.5]).unwrap();
        assert_eq!(vector.numbers(), [64, -127, 32]);
        assert_eq!(Vector::from_bytes(&vector.to_bytes()), Some(vector.clone()));
        assert!((vector.cosine(&vector) - 1.0).abs() < 1e-6);
        assert_eq!(vector.cosine(&Vector::of(&[1.0]).unwrap()), 0.0);
    }
}
