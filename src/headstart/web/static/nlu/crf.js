// The decoding half of the linear-chain CRF: the most probable tags (Viterbi), and their probabilities (forward-backward).
//
// Tags stand in groups here, O B-0 B-1 ... I-0 I-1 ...: an I- is reached from its own B- and I- alone (`stay`), everything else by steps
// that know nothing of that.

const MAX_SPREAD = 600; // of scores of steps: the ratios of their exponentials are then numbers

/**
 * Steps to O and to each B-, of which there is a score for each pair of tags.
 * @typedef {object} Steps
 * @property {Float64Array} stay scores from each B-, then from each I-, to the I- of the same label
 * @property {(scores: Float64Array) => {best: Float64Array, tags: Int32Array}} bestInto highest scores before O and each B-, and whose they are
 * @property {(scores: Float64Array) => Float64Array} sumInto log-sums over all tags before O and each B-
 * @property {(scores: Float64Array) => Float64Array} sumOutOf log-sums over O and each B- behind all tags
 */

/** Steps with a score for each pair of tags. */
class DenseSteps {
  /**
   * @param {ArrayLike<number>} transitions [tags, tags], from row to column
   * @param {number[]} order the tags in groups
   */
  constructor(transitions, order) {
    const numTags = order.length;
    const numLabels = (numTags - 1) / 2;
    const score = (from, to) => transitions[order[from] * numTags + order[to]];
    this.stay = Float64Array.from({ length: 2 * numLabels }, (_, place) => score(1 + place, 1 + numLabels + (place % numLabels)));
    this._numTags = numTags;
    this._width = 1 + numLabels;
    this._into = Float64Array.from({ length: numTags * this._width }, (_, place) =>
      score(Math.floor(place / this._width), place % this._width),
    );
    this._peak = this._into.reduce((highest, value) => Math.max(highest, value), -Infinity);
    const lowest = this._into.reduce((least, value) => Math.min(least, value), Infinity);
    this._ratios = this._peak - lowest <= MAX_SPREAD ? this._into.map((value) => Math.exp(value - this._peak)) : null;
  }

  bestInto(scores) {
    const best = new Float64Array(this._width).fill(-Infinity);
    const tags = new Int32Array(this._width);
    for (let from = 0; from < this._numTags; from++) {
      for (let to = 0; to < this._width; to++) {
        const reached = scores[from] + this._into[from * this._width + to];
        if (reached > best[to]) {
          best[to] = reached;
          tags[to] = from;
        }
      }
    }
    return { best, tags };
  }

  sumInto(scores) {
    return this._sums(scores, this._width, (from, to) => from * this._width + to);
  }

  sumOutOf(scores) {
    return this._sums(scores, this._numTags, (to, from) => from * this._width + to);
  }

  /** Log-sums over all scores, each with that of the step which stands at a place. */
  _sums(scores, width, placeOf) {
    const top = highestOf(scores);
    const sums = new Float64Array(width);
    for (let to = 0; to < width; to++) {
      if (this._ratios === null) {
        sums[to] = logSum(scores.map((score, from) => score + this._into[placeOf(from, to)]));
        continue;
      }
      let sum = 0;
      for (let from = 0; from < scores.length; from++) sum += Math.exp(scores[from] - top) * this._ratios[placeOf(from, to)];
      sums[to] = Math.log(sum) + top + this._peak;
    }
    return sums;
  }
}

/** Steps whose scores are sums: of leaving a tag, entering a group (O, or B- and I- of one label), and entering the same one again. */
class FactoredSteps {
  /** @param {{stay: ArrayLike<number>, leave: ArrayLike<number>, enter: ArrayLike<number>, again: ArrayLike<number>}} parts */
  constructor({ stay, leave, enter, again }) {
    [this.stay, this._leave, this._enter, this._again] = [stay, leave, enter, again].map((part) => Float64Array.from(part));
    this._numGroups = this._enter.length;
  }

  bestInto(scores) {
    const left = scores.map((score, tag) => score + this._leave[tag]);
    const ofGroups = this._bestOfGroups(left);
    const others = this._bestOfOthers(ofGroups);
    const own = this._bestOfGroups(left.map((score, tag) => score + this._again[tag]));
    const best = this._enter.map((score, group) => score + Math.max(own.best[group], others.best[group]));
    const tags = own.tags.map((tag, group) => (own.best[group] > others.best[group] ? tag : others.tags[group]));
    return { best, tags };
  }

  sumInto(scores) {
    const left = scores.map((score, tag) => score + this._leave[tag]);
    const others = sumsOfOthers(this._sumGroups(left));
    const own = this._sumGroups(left.map((score, tag) => score + this._again[tag]));
    return this._enter.map((score, group) => score + logAdd(own[group], others[group]));
  }

  sumOutOf(scores) {
    const entered = scores.map((score, group) => score + this._enter[group]);
    const others = sumsOfOthers(entered);
    return this._leave.map((score, tag) => {
      const group = this._groupOf(tag);
      return score + logAdd(others[group], entered[group] + this._again[tag]);
    });
  }

  _groupOf(tag) {
    return tag < this._numGroups ? tag : tag - this._numGroups + 1;
  }

  _sumGroups(scores) {
    return this._enter.map((_, group) =>
      group === 0 ? scores[0] : logAdd(scores[group], scores[group + this._numGroups - 1]),
    );
  }

  _bestOfGroups(scores) {
    const tags = Int32Array.from(this._enter, (_, group) => {
      const inside = group + this._numGroups - 1;
      return group > 0 && scores[inside] > scores[group] ? inside : group;
    });
    return { best: Float64Array.from(tags, (tag) => scores[tag]), tags };
  }

  /** For each group, the best of all others. */
  _bestOfOthers({ best, tags }) {
    const first = placeOfHighest(best);
    const rest = best.slice();
    rest[first] = -Infinity;
    const second = placeOfHighest(rest);
    const from = best.map((_, group) => (group === first ? second : first));
    return { best: from.map((group, own) => (own === first ? rest[group] : best[group])), tags: Int32Array.from(from, (group) => tags[group]) };
  }
}

/** A linear-chain CRF that decodes one text. */
export class Field {
  /**
   * @param {{[name: string]: ArrayLike<number>}} arrays the content of crf.npz
   * @param {number} [temperature] what scores are divided by before they become probabilities; the most probable tags are those without
   */
  constructor(arrays, temperature = 1) {
    const numTags = arrays.start.length;
    const numLabels = (numTags - 1) / 2;
    this._numLabels = numLabels;
    this._order = Array.from({ length: numTags }, (_, place) =>
      place === 0 ? 0 : place <= numLabels ? 2 * place - 1 : 2 * (place - numLabels),
    );
    this._start = Float64Array.from(this._order, (tag) => arrays.start[tag]);
    this._end = Float64Array.from(this._order, (tag) => arrays.end[tag]);
    /** @type {Steps} */
    this._steps = "transitions" in arrays ? new DenseSteps(arrays.transitions, this._order) : new FactoredSteps(arrays);
    this._temperature = temperature;
    /** @type {Field} what probabilities are taken of */
    this._softer = temperature === 1 ? this : new Field(divided(arrays, temperature));
  }

  /**
   * The most probable tags of a text, and their probabilities.
   * @param {ArrayLike<number>[]} emissions of each word the scores of all tags
   * @returns {{tags: number[], scores: number[]}}
   */
  decode(emissions) {
    const words = emissions.map((scores) => Float64Array.from(this._order, (tag) => scores[tag]));
    const path = this._bestPath(words);
    const softer = words.map((scores) => scores.map((score) => score / this._temperature));
    const scores = path.every((place) => place === 0) ? path.map(() => 0) : this._softer._marginals(softer, path);
    return { tags: path.map((place) => this._order[place]), scores };
  }

  _bestPath(words) {
    const numLabels = this._numLabels;
    let scores = add(this._start, words[0]);
    const previous = [];
    for (const emissions of words.slice(1)) {
      const { best, tags } = this._steps.bestInto(scores);
      const from = new Int32Array(scores.length);
      const reached = new Float64Array(scores.length);
      from.set(tags);
      reached.set(best);
      for (let label = 0; label < numLabels; label++) {
        const ofBegin = scores[1 + label] + this._steps.stay[label];
        const ofInside = scores[1 + numLabels + label] + this._steps.stay[numLabels + label];
        from[1 + numLabels + label] = ofInside > ofBegin ? 1 + numLabels + label : 1 + label;
        reached[1 + numLabels + label] = Math.max(ofBegin, ofInside);
      }
      previous.push(from);
      scores = add(reached, emissions);
    }
    const path = [placeOfHighest(add(scores, this._end))];
    for (const from of previous.reverse()) path.unshift(from[path[0]]);
    return path;
  }

  /** The probability of each word's tag on a path. Numbers are taken relative to the highest of each word: that changes none. */
  _marginals(words, path) {
    const before = [relative(add(this._start, words[0]))];
    for (const emissions of words.slice(1)) before.push(relative(add(this._step(before[before.length - 1]), emissions)));
    const after = [this._end];
    for (const emissions of words.slice(1).reverse()) after.unshift(relative(this._stepBack(add(after[0], emissions))));
    return path.map((place, word) => {
      const joint = relative(add(before[word], after[word])).map(Math.exp);
      return joint[place] / joint.reduce((sum, value) => sum + value, 0);
    });
  }

  _step(scores) {
    const numLabels = this._numLabels;
    const found = new Float64Array(scores.length);
    found.set(this._steps.sumInto(scores));
    for (let label = 0; label < numLabels; label++) {
      found[1 + numLabels + label] = logAdd(
        scores[1 + label] + this._steps.stay[label],
        scores[1 + numLabels + label] + this._steps.stay[numLabels + label],
      );
    }
    return found;
  }

  _stepBack(scores) {
    const numLabels = this._numLabels;
    const found = this._steps.sumOutOf(scores.slice(0, 1 + numLabels));
    for (let tag = 1; tag < found.length; tag++) {
      const inside = scores[1 + numLabels + ((tag - 1) % numLabels)];
      found[tag] = logAdd(found[tag], inside + this._steps.stay[tag - 1]);
    }
    return found;
  }
}

function divided(arrays, temperature) {
  return Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, Float64Array.from(values, (score) => score / temperature)]));
}

function add(first, second) {
  return first.map((value, place) => value + second[place]);
}

function highestOf(scores) {
  return scores.reduce((highest, score) => Math.max(highest, score), -Infinity);
}

function placeOfHighest(scores) {
  return scores.reduce((best, score, place) => (score > scores[best] ? place : best), 0);
}

function relative(scores) {
  const top = highestOf(scores);
  return scores.map((score) => score - top);
}

function logAdd(first, second) {
  const top = Math.max(first, second);
  return top === -Infinity ? top : top + Math.log1p(Math.exp(Math.min(first, second) - top));
}

function logSum(scores) {
  const top = highestOf(scores);
  return top === -Infinity ? top : top + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - top), 0));
}

/** For each place, the log-sum of all others: what stands before it, and what stands behind it. */
function sumsOfOthers(scores) {
  const found = new Float64Array(scores.length);
  let before = -Infinity;
  scores.forEach((score, place) => {
    found[place] = before;
    before = logAdd(before, score);
  });
  let behind = -Infinity;
  for (let place = scores.length - 1; place >= 0; place--) {
    found[place] = logAdd(found[place], behind);
    behind = logAdd(behind, scores[place]);
  }
  return found;
}
