// Words and spans of a text. Places are code points, as in Python; an answer has those of JavaScript's own strings besides.

const OUTSIDE = 0;

/**
 * The words of a text.
 * @typedef {object} Words
 * @property {number[]} starts first character of each word
 * @property {number[]} ends one past the last one
 * @property {number[]} firstTokens number of each word's first token
 */

/**
 * Find the words that tokens belong to. Characters that the tokenizer drops, such as combining marks, belong to the word before them.
 * @param {string[]} characters those of the text, by code point
 * @param {import("./tokens.js").Token[]} tokens
 * @param {import("./tokens.js").Characters} table what is a mark
 * @returns {Words}
 */
export function findWords(characters, tokens, table) {
  const words = { starts: [], ends: [], firstTokens: [] };
  let previous;
  tokens.forEach((token, place) => {
    if (token.word === previous) {
      words.ends[words.ends.length - 1] = token.end;
    } else {
      words.starts.push(token.start);
      words.ends.push(token.end);
      words.firstTokens.push(place);
    }
    previous = token.word;
  });
  words.ends = words.ends.map((end, index) => {
    const limit = words.starts[index + 1] ?? characters.length;
    while (end < limit && table.isMark(characters[end])) end++;
    return end;
  });
  return words;
}

/**
 * The spans of IOB2 tags: 0 is O, 1 + 2k begins slot label k, and 2 + 2k continues it.
 * @param {number[]} tags those of the words
 * @param {Words} words
 * @param {string[]} labels
 * @param {number[]} scores probabilities of the tags; a span's is the lowest of its words'
 * @returns {{start: number, end: number, label: string, score: number}[]}
 * @throws {Error} a tag continues what none before it begins
 */
export function tagsToSpans(tags, words, labels, scores) {
  const spans = [];
  let previous = OUTSIDE;
  tags.forEach((tag, word) => {
    if (tag !== OUTSIDE && tag % 2 === 0) {
      if (previous !== tag && previous !== tag - 1) {
        throw new Error(`tag ${tag} at word ${word} continues a slot that tag ${previous} before it does not begin`);
      }
      const span = spans[spans.length - 1];
      span.end = words.ends[word];
      span.score = Math.min(span.score, scores[word]);
    } else if (tag !== OUTSIDE) {
      spans.push({ start: words.starts[word], end: words.ends[word], label: labels[(tag - 1) / 2], score: scores[word] });
    }
    previous = tag;
  });
  return spans;
}
