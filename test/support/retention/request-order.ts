interface Waiting {
  readonly client: string
  readonly go: () => void
}

/** After so many rounds without a new request, all clients wait for a response. */
const quietRounds = 3

/**
 * Handles one request of several clients at a time, in a random order that a seed determines.
 * Between its requests a client may only use the event loop, and no disk or timer.
 */
export class RequestOrder {
  readonly #random: () => number
  readonly #waiting: Waiting[] = []
  readonly #dead = new Set<string>()
  #arrived = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** Resolves when it is the turn of this client. Never resolves if it was killed. */
  async waitForTurn(client: string): Promise<void> {
    await new Promise<void>((go) => {
      this.#arrived++
      this.#waiting.push({ client, go })
    })
  }

  /** Handles no further request of this client, as if its process was killed. */
  kill(client: string): void {
    this.#dead.add(client)
  }

  isDead(client: string): boolean {
    return this.#dead.has(client)
  }

  /**
   * Handles requests until all clients are done or killed. `before` is called before each request.
   *
   * @throws what a client throws, or an error if all clients wait although one is not done
   */
  async run(clients: Readonly<Record<string, Promise<unknown>>>, before: () => Promise<void>): Promise<void> {
    const open = new Set(Object.keys(clients))
    for (const [name, promise] of Object.entries(clients)) {
      void settled(promise).then(() => open.delete(name))
    }
    for (;;) {
      await this.#quiet()
      for (const name of open) if (this.#dead.has(name)) open.delete(name)
      if (open.size === 0) break
      const living = this.#waiting.filter(({ client }) => !this.#dead.has(client))
      const chosen = living[Math.floor(this.#random() * living.length)]
      if (chosen === undefined)
        throw new Error(`there is no request, and ${[...open].join(', ')} is not done`)
      await before()
      if (this.#dead.has(chosen.client)) continue
      this.#waiting.splice(this.#waiting.indexOf(chosen), 1)
      chosen.go()
    }
    for (const [name, promise] of Object.entries(clients)) if (!this.#dead.has(name)) await promise
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
