// Which words of a text are values of the skill's catalogs: the features that the network reads of them.

/** The values of all catalogs, in a trie of tokens. */
export class Catalogs {
  /** @param {string[][]} keys the values of each catalog, with a character for each token (the content of catalogs.json) */
  constructor(keys) {
    this.count = keys.length;
    this._root = { next: new Map(), catalogs: [] };
    keys.forEach((values, catalog) => {
      for (const key of values) this._add([...key].map(tokenOf), catalog);
    });
  }

  _add(tokens, catalog) {
    let node = this._root;
    for (const token of tokens) {
      if (!node.next.has(token)) node.next.set(token, { next: new Map(), catalogs: [] });
      node = node.next.get(token);
    }
    node.catalogs.push(catalog);
  }

  /**
   * The longest matches of each catalog from left to right; those of one catalog don't overlap.
   * @param {number[]} tokens
   * @param {number[]} firstTokens which of them begin a word
   * @returns {{start: number, end: number, catalog: number}[]}
   */
  find(tokens, firstTokens) {
    const boundaries = new Set([...firstTokens, tokens.length]); // a value ends where a word does
    const freeFrom = new Array(this.count).fill(0);
    const matches = [];
    for (const start of firstTokens) {
      for (const { end, catalogs } of this._prefixes(tokens, start).reverse()) {
        for (const catalog of boundaries.has(end) ? catalogs : []) {
          if (freeFrom[catalog] > start) continue;
          freeFrom[catalog] = end;
          matches.push({ start, end, catalog });
        }
      }
    }
    return matches;
  }

  /** The values that the tokens from a place on begin with, the shortest first. */
  _prefixes(tokens, start) {
    const found = [];
    let node = this._root;
    for (let end = start; end < tokens.length; ) {
      node = node.next.get(tokens[end++]);
      if (node === undefined) break;
      if (node.catalogs.length > 0) found.push({ end, catalogs: node.catalogs });
    }
    return found;
  }

  /**
   * The features of a text's matches, [tokens, 2 * catalogs]: 1 where a match of the catalog begins, or goes on.
   * @param {number[]} tokens
   * @param {number[]} firstTokens which of them begin a word
   * @param {boolean} isUsed false: as if no word were in a catalog
   * @returns {Float32Array}
   */
  features(tokens, firstTokens, isUsed) {
    const width = 2 * this.count;
    const features = new Float32Array(tokens.length * width);
    for (const { start, end, catalog } of isUsed ? this.find(tokens, firstTokens) : []) {
      features[start * width + catalog] = 1;
      for (let place = start + 1; place < end; place++) features[place * width + this.count + catalog] = 1;
    }
    return features;
  }
}

/** The token that a character of a key stands for; surrogates, which are no characters, are stepped over. */
function tokenOf(character) {
  const code = character.codePointAt(0);
  return code < 0xd800 ? code - 1 : code - 0x801;
}
