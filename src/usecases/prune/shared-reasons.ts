import type { Why } from '../../plan/prune/prune-plan.ts'

/**
 * Returns one object for equal reasons: a plan has a reason for each tag, and few of them differ.
 */
export class SharedReasons {
  readonly #known = new Map<string, Why>()

  share(why: Why): Why {
    const key = JSON.stringify(why)
    const known = this.#known.get(key)
    if (known === undefined) this.#known.set(key, why)
    return known ?? why
  }
}
