interface Waiting {
  readonly actor: string
  readonly go: () => void
}

/** So many rounds without a new request mean that nobody will make one by itself. */
const quietRounds = 3

/**
 * Lets one request be handled at a time, each chosen by a seed out of all that wait: everything that several clients may do to each other happens in
 * some order, and in the same one each time. All that an actor does between its requests must need no more than the event loop: no disk, no timer.
 */
export class Turns {
  readonly #random: () => number
  readonly #waiting: Waiting[] = []
  readonly #dead = new Set<string>()
  #arrived = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** Resolves when it is this actor's turn; never where it was killed. */
  async take(actor: string): Promise<void> {
    await new Promise<void>((go) => {
      this.#arrived++
      this.#waiting.push({ actor, go })
    })
  }

  /** From here on nothing of this actor is handled any more: as if its process had been killed. */
  kill(actor: string): void {
    this.#dead.add(actor)
  }

  isDead(actor: string): boolean {
    return this.#dead.has(actor)
  }

  /**
   * Gives turns until all actors are done or dead. `before` is called before each request is handled.
   * @throws what an actor throws; an error where nobody asks and somebody is not done
   */
  async run(actors: Readonly<Record<string, Promise<unknown>>>, before: () => Promise<void>): Promise<void> {
    const open = new Set(Object.keys(actors))
    for (const [name, promise] of Object.entries(actors)) {
      void settled(promise).then(() => open.delete(name))
    }
    for (;;) {
      await this.#quiet()
      for (const name of open) if (this.#dead.has(name)) open.delete(name)
      if (open.size === 0) break
      const living = this.#waiting.filter(({ actor }) => !this.#dead.has(actor))
      const chosen = living[Math.floor(this.#random() * living.length)]
      if (chosen === undefined)
        throw new Error(`nobody asks anything, and ${[...open].join(', ')} is not done`)
      await before()
      if (this.#dead.has(chosen.actor)) continue
      this.#waiting.splice(this.#waiting.indexOf(chosen), 1)
      chosen.go()
    }
    for (const [name, promise] of Object.entries(actors)) if (!this.#dead.has(name)) await promise
  }

  async #quiet(): Promise<void> {
    let arrived = -1
    for (let round = 0; round < quietRounds; round++) {
      if (arrived !== this.#arrived) round = 0
      arrived = this.#arrived
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await Promise.allSettled([promise])
}
