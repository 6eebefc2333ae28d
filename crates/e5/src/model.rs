//! The forward pass: a BERT encoder, the mean of its last layer, unit length.

use std::path::Path;

use crate::{
    E5Error, WIDTH,
    attention::attention,
    functions,
    kernel::{Activations, Kernel, PANEL, Packed},
    weights::Weights,
};

/// Pieces of a text at most, and of texts that are embedded together.
const LONGEST: usize = 512;

/// The model in memory.
pub(crate) struct Model {
    kernel: Kernel,
    weights: Weights,
    places: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

struct Linear {
    weights: Packed,
    bias: Vec<f32>,
    bits: Bits,
}

/// What is multiplied of a number.
///
/// With eight bits everywhere the cosine of two vectors is off by 0.0006 as a rule, which is enough
/// to decline a question near a bound; with sixteen where they count, by 0.00005.
#[derive(Clone, Copy)]
enum Bits {
    Eight,
    Sixteen,
}

struct Layer {
    attend: Linear,
    mix: Linear,
    mix_norm: Norm,
    widen: Linear,
    narrow: Linear,
    narrow_norm: Norm,
}

/// What a pass through the model needs beside its input, used again by each layer.
struct Scratch {
    kernel: Kernel,
    activations: Activations,
    /// The queries, keys and values of all heads.
    all: Vec<f32>,
    seen: Vec<f32>,
    wide: Vec<f32>,
}

/// A text as the model reads it.
struct Pieces {
    ids: Vec<u32>,
    cut: bool,
}

impl Model {
    pub(crate) fn load(path: &Path, kernel: Kernel) -> Result<Self, E5Error> {
        let weights = Weights::open(path)?;
        let heads_fit = weights.heads > 0
            && WIDTH.is_multiple_of(weights.heads)
            && (WIDTH / weights.heads).is_multiple_of(PANEL);
        if weights.width != WIDTH || weights.positions < LONGEST || !heads_fit {
            return Err(E5Error::Damaged);
        }
        let layers =
            (0..weights.layers).map(|at| Layer::of(&weights, at)).collect::<Result<_, _>>()?;
        let norm = Norm::of(&weights, "emb.ln")?;
        let mut places = weights.floats("emb.pos", LONGEST * WIDTH)?;
        let kind = weights.floats("emb.type", WIDTH)?;
        for place in places.chunks_exact_mut(WIDTH) {
            place.iter_mut().zip(&kind).for_each(|(place, kind)| *place += kind);
        }
        Ok(Self { kernel, weights, places, norm, layers })
    }

    /// The code that multiplies.
    pub(crate) const fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The vector of each text, and whether its end was cut off.
    pub(crate) fn embed(&self, texts: &[String]) -> Result<Vec<(Vec<f32>, bool)>, E5Error> {
        let mut vectors = Vec::with_capacity(texts.len());
        let mut together: Vec<Pieces> = Vec::new();
        let mut count = 0;

        for text in texts {
            let (ids, cut) = self.weights.tokenizer.encode(text, LONGEST);
            if count + ids.len() > LONGEST {
                self.forward(&together, &mut vectors)?;
                together.clear();
                count = 0;
            }
            count += ids.len();
            together.push(Pieces { ids, cut });
        }

        self.forward(&together, &mut vectors)?;
        Ok(vectors)
    }

    /// One pass through the model for a few texts, so that weights are fetched from memory once.
    fn forward(
        &self,
        texts: &[Pieces],
        vectors: &mut Vec<(Vec<f32>, bool)>,
    ) -> Result<(), E5Error> {
        let lengths: Vec<usize> = texts.iter().map(|text| text.ids.len()).collect();
        let rows: usize = lengths.iter().sum();
        let eps = self.weights.eps;

        let mut x = Vec::with_capacity(rows * WIDTH);
        for text in texts {
            let from = x.len();
            x.extend_from_slice(&self.places[..text.ids.len() * WIDTH]);
            for (row, id) in x[from..].chunks_exact_mut(WIDTH).zip(&text.ids) {
                self.weights.add_word(*id, row)?;
            }
        }
        self.norm.apply(&mut x, eps);

        let mut scratch = Scratch::new(self.kernel);
        for layer in &self.layers {
            layer.forward(&mut x, &lengths, self.weights.heads, eps, &mut scratch);
        }

        let mut rest = x.as_slice();
        for text in texts {
            let (own, others) = rest.split_at(text.ids.len() * WIDTH);
            rest = others;
            vectors.push((mean(own)?, text.cut));
        }
        Ok(())
    }
}

/// The mean of rows, at unit length.
fn mean(rows: &[f32]) -> Result<Vec<f32>, E5Error> {
    let mut sum = vec![0.0; WIDTH];
    for row in rows.chunks_exact(WIDTH) {
        sum.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
    }
    let length = sum.iter().map(|number| number * number).sum::<f32>().sqrt();
    if !length.is_normal() {
        return Err(E5Error::Damaged);
    }
    for number in &mut sum {
        *number /= length;
    }
    Ok(sum)
}

impl Scratch {
    const fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            activations: Activations::new(),
            all: Vec::new(),
            seen: Vec::new(),
            wide: Vec::new(),
        }
    }
}

impl Norm {
    fn of(weights: &Weights, name: &str) -> Result<Self, E5Error> {
        Ok(Self {
            scale: weights.floats(&format!("{name}.w"), WIDTH)?,
            shift: weights.floats(&format!("{name}.b"), WIDTH)?,
        })
    }

    fn apply(&self, rows: &mut [f32], eps: f32) {
        functions::normalize(rows, &self.scale, &self.shift, eps);
    }
}

impl Linear {
    fn of(
        weights: &Weights,
        names: &[String],
        (width, depth): (usize, usize),
        bits: Bits,
    ) -> Result<Self, E5Error> {
        let mut parts = Vec::new();
        let mut bias = Vec::new();
        for name in names {
            parts.push(weights.matrix(&format!("{name}.w"), width, depth)?);
            bias.extend(weights.floats(&format!("{name}.b"), width)?);
        }
        Ok(Self { weights: Packed::joined(parts).ok_or(E5Error::Damaged)?, bias, bits })
    }

    /// The products of rows, with the bias, in the place of what is in `sum`.
    fn apply(&self, x: &[f32], sum: &mut Vec<f32>, kernel: Kernel, activations: &mut Activations) {
        sum.clear();
        (0..x.len() / self.weights.depth()).for_each(|_| sum.extend_from_slice(&self.bias));
        self.add_product(x, sum, kernel, activations);
    }

    /// Adds the product and the bias to `sum`.
    fn add(&self, x: &[f32], sum: &mut [f32], kernel: Kernel, activations: &mut Activations) {
        for row in sum.chunks_exact_mut(self.bias.len()) {
            row.iter_mut().zip(&self.bias).for_each(|(number, bias)| *number += bias);
        }
        self.add_product(x, sum, kernel, activations);
    }

    fn add_product(
        &self,
        x: &[f32],
        sum: &mut [f32],
        kernel: Kernel,
        activations: &mut Activations,
    ) {
        activations.quantize(x, self.weights.depth());
        kernel.add_product(activations, &self.weights, sum);
        if let Bits::Sixteen = self.bits {
            activations.quantize_rest(x);
            kernel.add_product(activations, &self.weights, sum);
        }
    }
}

impl Layer {
    fn of(weights: &Weights, at: usize) -> Result<Self, E5Error> {
        let name = |part: &str| format!("l{at}.{part}");
        let inner = weights.inner;
        Ok(Self {
            attend: Linear::of(weights, &["q", "k", "v"].map(name), (WIDTH, WIDTH), Bits::Sixteen)?,
            mix: Linear::of(weights, &[name("ao")], (WIDTH, WIDTH), Bits::Eight)?,
            mix_norm: Norm::of(weights, &name("aln"))?,
            widen: Linear::of(weights, &[name("fi")], (inner, WIDTH), Bits::Sixteen)?,
            narrow: Linear::of(weights, &[name("fo")], (WIDTH, inner), Bits::Sixteen)?,
            narrow_norm: Norm::of(weights, &name("oln"))?,
        })
    }

    fn forward(
        &self,
        x: &mut [f32],
        lengths: &[usize],
        heads: usize,
        eps: f32,
        scratch: &mut Scratch,
    ) {
        let Scratch { kernel, activations, all, seen, wide } = scratch;
        self.attend.apply(x, all, *kernel, activations);
        attention(all, lengths, heads, seen);
        self.mix.add(seen, x, *kernel, activations);
        self.mix_norm.apply(x, eps);

        self.widen.apply(x, wide, *kernel, activations);
        functions::gelu(wide);
        self.narrow.add(wide, x, *kernel, activations);
        self.narrow_norm.apply(x, eps);
    }
}
