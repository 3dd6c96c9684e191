/**
 * Indices of the k largest values, largest first, ties by smaller index. A heap of the k best so
 * far, so that one pass over a vocabulary does not sort it. NaN is never among them.
 */
export function topK(values: ArrayLike<number>, k: number): number[] {
  const heap: number[] = [];
  const at = (place: number) => heap[place] ?? 0;
  const value = (index: number) => values[index] ?? NaN;
  /** Whether index a ranks behind index b. */
  const behind = (a: number, b: number) => value(a) < value(b) || (value(a) === value(b) && a > b);
  const swap = (a: number, b: number) => {
    [heap[a], heap[b]] = [at(b), at(a)];
  };
  for (let index = 0; index < values.length; index++) {
    if (Number.isNaN(value(index))) continue;
    if (heap.length < k) {
      heap.push(index);
      for (let place = heap.length - 1; place > 0;) {
        const parent = (place - 1) >> 1;
        if (!behind(at(place), at(parent))) break;
        swap(place, parent);
        place = parent;
      }
    } else if (k > 0 && value(index) > value(at(0))) {
      heap[0] = index;
      for (let place = 0; ;) {
        let last = 2 * place + 1;
        if (last + 1 < k && behind(at(last + 1), at(last))) last += 1;
        if (last >= k || !behind(at(last), at(place))) break;
        swap(place, last);
        place = last;
      }
    }
  }
  return heap.sort((a, b) => value(b) - value(a) || a - b);
}
