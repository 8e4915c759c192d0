import type { DeleteStep } from '../../plan/prune/prune-plan.ts'

/** Steps that are ready, without a search: each is added when its last predecessor ends. */
export class ReadySteps {
  readonly #order: (step: DeleteStep) => number
  readonly #isLast: (step: DeleteStep) => boolean
  readonly #first = new Queue()
  readonly #later = new Queue()
  readonly #last = new Queue()
  /** not in order yet: steps of one wave end in any order */
  #added: DeleteStep[] = []

  /**
   * @param order the position of a step in the plan
   * @param isLast steps that come after all others
   */
  constructor(order: (step: DeleteStep) => number, isLast: (step: DeleteStep) => boolean = () => false) {
    this.#order = order
    this.#isLast = isLast
  }

  /** @param when `next`: before the steps that follow no other */
  add(step: DeleteStep, when?: 'next'): void {
    if (this.#isLast(step)) this.#last.add(step)
    else if (step.after.length > 0 || when === 'next') this.#added.push(step)
    else this.#later.add(step)
  }

  /** Removes and returns at most `most` steps; those that are not pending are dropped. */
  take(most: number, isPending: (step: DeleteStep) => boolean): readonly DeleteStep[] {
    for (const step of this.#added.sort((a, b) => this.#order(a) - this.#order(b))) this.#first.add(step)
    this.#added = []
    const taken: DeleteStep[] = []
    while (taken.length < most) {
      const step = this.#first.take() ?? this.#later.take() ?? this.#last.take()
      if (step === undefined) break
      if (isPending(step)) taken.push(step)
    }
    return taken
  }

  /** Returns at most `most` steps that come next, not all of them in order. */
  peek(most: number): readonly DeleteStep[] {
    const queued = [this.#first, this.#later, this.#last].flatMap((queue) => queue.peek(most))
    return [...this.#added, ...queued].slice(0, most)
  }
}

/** First in, first out; `shift` of a long array moves all of it. */
class Queue {
  #steps: DeleteStep[] = []
  #taken = 0

  add(step: DeleteStep): void {
    this.#steps.push(step)
  }

  take(): DeleteStep | undefined {
    const step = this.#steps[this.#taken]
    if (step !== undefined) this.#taken += 1
    return step
  }

  peek(most: number): readonly DeleteStep[] {
    return this.#steps.slice(this.#taken, this.#taken + most)
  }
}
