/** Characters as the bits of their ASCII codes. */
type Characters = bigint

interface TextToken {
  readonly on: Characters
  readonly times: 'once' | 'optional' | 'any'
}

interface Edge {
  readonly on: Characters
  readonly to: number
}

/** The work that comparisons may still take, in steps of a bounded time. */
export class ComparisonBudget {
  #left: number

  constructor(steps: number) {
    this.#left = steps
  }

  /** Whether there is none left; the result of a comparison is then unknown. */
  get isSpent(): boolean {
    return this.#left <= 0
  }

  /** Takes some steps. Returns whether there were any left. */
  spend(steps = 1): boolean {
    this.#left -= steps
    return this.#left > 0
  }
}

const all: Characters = (1n << 128n) - 1n
const slash = charactersIn('/')
const digits = charactersIn('0123456789')

/**
 * A set of texts that a pattern describes: a nondeterministic automaton without empty transitions.
 * It decides exactly whether two patterns have a text in common.
 */
export class TextSet {
  readonly #edges: readonly (readonly Edge[])[]
  readonly #starts: readonly number[]
  readonly #ends: ReadonlySet<number>

  private constructor(
    edges: readonly (readonly Edge[])[],
    starts: readonly number[],
    ends: Iterable<number>,
  ) {
    this.#edges = edges
    this.#starts = starts
    this.#ends = new Set(ends)
  }

  /** The paths that a pattern of repositories matches (`repositoryPattern`). */
  static ofPaths(pattern: string): TextSet {
    const parts = pattern.match(/(?<=^|\/)\*\*+\/|\*+|[^*]/g) ?? []
    const sets = parts.map((part): readonly TextToken[] => {
      if (!part.startsWith('*')) return literal(part)
      if (part.endsWith('/')) return [{ on: all, times: 'any' }, ...literal('/')]
      return [{ on: part === '*' ? all & ~slash : all, times: 'any' }]
    })
    // `**/` as a component of its own matches no component, too.
    const skips = parts.flatMap((part, i) => (part.startsWith('**') && part.endsWith('/') ? [i] : []))
    const starts = sets.map((_, i) => sets.slice(0, i).flat().length)
    const jumps = new Map(skips.map((i) => [starts[i] ?? 0, (starts[i] ?? 0) + 2]))
    return TextSet.#of(sets.flat(), jumps)
  }

  /** One text. */
  static ofText(text: string): TextSet {
    return TextSet.#of(literal(text))
  }

  /** The tags that a glob matches: `*` is any characters, and `?` one. */
  static ofTags(glob: string): TextSet {
    return TextSet.#of(tagTokens(glob))
  }

  /** The texts that begin with another one. */
  static beginningWith(text: string): TextSet {
    return TextSet.#of([...literal(text), { on: all, times: 'any' }])
  }

  /** The numbers of versions, with or without `v`, followed by what a glob matches. */
  static ofVersions(suffix: string): TextSet {
    return TextSet.#of([
      { on: charactersIn('v'), times: 'optional' },
      { on: digits, times: 'once' },
      { on: digits | charactersIn('.'), times: 'any' },
      ...tagTokens(suffix),
    ])
  }

  /** @param jumps from a token to another one, without a character */
  static #of(tokens: readonly TextToken[], jumps: ReadonlyMap<number, number> = new Map()): TextSet {
    const reach = (state: number): readonly number[] => {
      const found = new Set<number>()
      const pending = [state]
      for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
        if (found.has(at)) continue
        found.add(at)
        const token = tokens[at]
        if (token !== undefined && token.times !== 'once') pending.push(at + 1)
        const jump = jumps.get(at)
        if (jump !== undefined) pending.push(jump)
      }
      return [...found]
    }
    // A token that repeats has begun, so that its jump is no longer possible.
    const edges = tokens.map(({ on, times }, i) =>
      [...(times === 'any' ? [i] : []), ...reach(i + 1)].map((to): Edge => ({ on, to })),
    )
    return new TextSet([...edges, []], reach(0), [tokens.length])
  }

  get isEmpty(): boolean {
    return this.#ends.size === 0
  }

  /** The texts that are in both sets. It has none if the budget is spent. */
  intersect(other: TextSet, budget: ComparisonBudget): TextSet {
    const states = new Map<string, number>()
    const pairs: [number, number][] = []
    const enter = (a: number, b: number): number => {
      const key = `${a},${b}`
      const known = states.get(key)
      if (known !== undefined) return known
      states.set(key, pairs.length)
      return pairs.push([a, b]) - 1
    }
    const starts = this.#starts.flatMap((a) => other.#starts.map((b) => enter(a, b)))
    const edges: Edge[][] = []
    for (const [a, b] of pairs) {
      const own: Edge[] = []
      edges.push(own)
      for (const { on, to } of this.#edges[a] ?? [])
        for (const edge of other.#edges[b] ?? []) {
          if (!budget.spend()) return nothing
          const both = on & edge.on
          if (both !== 0n) own.push({ on: both, to: enter(to, edge.to) })
        }
    }
    const ends = pairs.flatMap(([a, b], i) => (this.#ends.has(a) && other.#ends.has(b) ? [i] : []))
    return new TextSet(edges, starts, ends).#trimmed()
  }

  /** Whether the sets have a text in common. False if the budget is spent. */
  meets(other: TextSet, budget: ComparisonBudget): boolean {
    return !this.intersect(other, budget).isEmpty
  }

  /** Replaces the beginning and the end of the texts that have both; the others are dropped. */
  rewrite(from: Affixes, to: Affixes): TextSet {
    const inner = this.#without(from.before).#reversed().#without(reversed(from.after))
    return inner.#after(reversed(to.after)).#reversed().#after(to.before).#trimmed()
  }

  #without(prefix: string): TextSet {
    let states = new Set(this.#starts)
    for (const char of prefix) {
      const on = charactersIn(char)
      const next = [...states]
        .flatMap((state) => this.#edges[state] ?? [])
        .filter((edge) => (edge.on & on) !== 0n)
      states = new Set(next.map(({ to }) => to))
    }
    return new TextSet(this.#edges, [...states], this.#ends)
  }

  #after(prefix: string): TextSet {
    if (prefix === '') return this
    const offset = prefix.length
    const ofPrefix = Array.from(prefix, (char, i): readonly Edge[] => {
      const on = charactersIn(char)
      const next = i === offset - 1 ? this.#starts.map((state) => state + offset) : [i + 1]
      return next.map((to) => ({ on, to }))
    })
    const own = this.#edges.map((edges) => edges.map(({ on, to }) => ({ on, to: to + offset })))
    return new TextSet(
      [...ofPrefix, ...own],
      [0],
      [...this.#ends].map((state) => state + offset),
    )
  }

  #reversed(): TextSet {
    const edges: Edge[][] = this.#edges.map(() => [])
    for (const [from, own] of this.#edges.entries())
      for (const { on, to } of own) edges[to]?.push({ on, to: from })
    return new TextSet(edges, [...this.#ends], this.#starts)
  }

  /** Without the states that are on no way from a start to an end. */
  #trimmed(): TextSet {
    const forward = this.#reachable()
    const useful = [...this.#reversed().#reachable()].filter((state) => forward.has(state))
    const index = new Map(useful.map((state, i) => [state, i]))
    const renumber = (states: Iterable<number>): number[] =>
      [...states].flatMap((state) => index.get(state) ?? [])
    const edges = useful.map((state) =>
      (this.#edges[state] ?? []).flatMap(({ on, to }) => {
        const next = index.get(to)
        return next === undefined ? [] : [{ on, to: next }]
      }),
    )
    return new TextSet(edges, renumber(this.#starts), renumber(this.#ends))
  }

  #reachable(): ReadonlySet<number> {
    const found = new Set<number>(this.#starts)
    for (const state of found) for (const { to } of this.#edges[state] ?? []) found.add(to)
    return found
  }

  static none(): TextSet {
    return new TextSet([], [], [])
  }
}

/** The texts before and after a part that varies. */
export interface Affixes {
  readonly before: string
  readonly after: string
}

const nothing: TextSet = TextSet.none()

function tagTokens(glob: string): readonly TextToken[] {
  return Array.from(glob).flatMap((char): readonly TextToken[] => {
    if (char === '*') return [{ on: all, times: 'any' }]
    return char === '?' ? [{ on: all, times: 'once' }] : literal(char)
  })
}

function literal(text: string): readonly TextToken[] {
  return Array.from(text, (char) => ({ on: charactersIn(char), times: 'once' }))
}

/** A character outside ASCII is none of a path or tag; all of them count as one. */
function charactersIn(text: string): Characters {
  return Array.from(text).reduce((set, char) => {
    const code = char.codePointAt(0) ?? 0
    return set | (1n << BigInt(code < 127 ? code : 127))
  }, 0n)
}

function reversed(text: string): string {
  return Array.from(text).toReversed().join('')
}
