//! Cuts and orders.

use crate::random::Random;

/// A part of a stream: where it begins, and its bytes.
pub(crate) type Piece<'a> = (usize, &'a [u8]);

/// The pieces between these cuts, which are sorted.
pub(crate) fn at<'a>(stream: &'a [u8], cuts: &[usize]) -> Vec<Piece<'a>> {
    let starts = [&[0], cuts].concat();
    let ends = [cuts, &[stream.len()]].concat();
    starts.iter().zip(&ends).map(|(&start, &end)| (start, &stream[start..end])).collect()
}

/// Pieces of `size` bytes; the last one is what is left.
pub(crate) fn every(stream: &[u8], size: usize) -> Vec<Piece<'_>> {
    stream.chunks(size).enumerate().map(|(i, piece)| (i * size, piece)).collect()
}

/// `n` different cuts of a stream of `len` bytes, sorted.
pub(crate) fn somewhere(random: &mut Random, len: usize, n: usize) -> Vec<usize> {
    let mut cuts = std::collections::BTreeSet::new();
    while cuts.len() < n {
        cuts.insert(1 + random.below(len - 1));
    }
    cuts.into_iter().collect()
}

/// Every order of `n` things.
pub(crate) fn orders(n: usize) -> Vec<Vec<usize>> {
    let Some(last) = n.checked_sub(1) else { return vec![Vec::new()] };
    let into_each_place = |order: Vec<usize>| {
        (0..n).map(move |place| [&order[..place], &[last], &order[place..]].concat()).collect::<Vec<_>>()
    };
    orders(last).into_iter().flat_map(into_each_place).collect()
}

/// Some order of `n` things.
pub(crate) fn shuffled(random: &mut Random, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, random.below(i + 1));
    }
    order
}

/// In order, in reverse, and in three shuffled orders.
pub(crate) fn some_orders(random: &mut Random, n: usize) -> Vec<(&'static str, Vec<usize>)> {
    let mut orders = vec![("in order", (0..n).collect()), ("reversed", (0..n).rev().collect())];
    orders.extend((0..3).map(|_| ("shuffled", shuffled(random, n))));
    orders
}
