//! The arithmetic of the encoder, chosen for the processor at run time.
//!
//! Most routines are written once, as plain Rust that the compiler can vectorise, and compiled twice: for any processor, and for
//! those with AVX2 and FMA. The matrix product has hand-written instructions for AVX2 and for AVX-512 with VNNI, attention for
//! the latter. All variants use the same number formats, and their integer sums are exact: they differ by the rounding of floats only.

mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod elementwise;
mod linear;
mod rotation;

pub use attention::{Segment, attend};
pub(crate) use elementwise::erf;
pub use elementwise::{add_layer_norm, gelu, layer_norm};
pub use linear::{Activations, Before, QuantisedDense};

/// Which variant of the arithmetic runs. A value above [`Isa::PORTABLE`] proves that the processor has what the variant needs:
/// only the functions below make one, after asking the processor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Any processor.
    Portable,
    /// x86-64 with AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512 F, BW, VL and VNNI, besides AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// Runs anywhere.
    pub const PORTABLE: Isa = Isa(Level::Portable);

    /// The best variant that this processor runs.
    pub fn detect() -> Self {
        Self::available().next().unwrap_or(Self::PORTABLE)
    }

    /// Every variant that this processor runs, best first.
    pub fn available() -> impl Iterator<Item = Isa> {
        #[cfg(target_arch = "x86_64")]
        let found = {
            let avx2 = std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
            let avx512 = avx2
                && std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512vl")
                && std::is_x86_feature_detected!("avx512vnni");
            [avx512.then_some(Isa(Level::Avx512)), avx2.then_some(Isa(Level::Avx2))]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let found = [None::<Isa>];
        found.into_iter().flatten().chain([Self::PORTABLE])
    }
}

impl std::fmt::Debug for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// a · b + c: one instruction where the variant has it, two elsewhere (there a fused product would be a call of the C library).
#[inline(always)]
fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// Compiles a function body for any processor and again with AVX2 and FMA, and picks by the [`Isa`] given. The body is told by a
/// constant whether fused products are at hand.
macro_rules! multiversion {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $kind:ty),* $(,)?) => $body:ident) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        pub fn $name(isa: $crate::model::encoder::kernel::Isa, $($arg: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $kind),*) {
                    $body::<true>($($arg),*)
                }
                if isa != $crate::model::encoder::kernel::Isa::PORTABLE {
                    // SAFETY: an `Isa` above the portable one is only made after both features were found.
                    return unsafe { avx2($($arg),*) };
                }
            }
            let _ = isa;
            $body::<false>($($arg),*)
        }
    };
}
use multiversion;
