import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { answerParsers } from '../support/hostile/answers.ts'
import { fileParsers } from '../support/hostile/file-parsers.ts'
import { parsers } from '../support/hostile/parsers.ts'
import { largeTexts, smallTexts } from '../support/hostile/texts.ts'
import type { Tried } from '../support/hostile/try-all.ts'

/** Old space of the thread that reads it all, in MiB: a manifest of 8 MiB is the largest that is read, and JSON makes objects of it. */
const maxMemory = 256

/** Ends a thread that hangs; it has taken a tenth of it. */
const hangsAfter = 120_000

it(
  'whatever comes in, each parser reads it or throws one error that can be printed, in bounded memory',
  async () => {
    const worker = new Worker(new URL('../support/hostile/try-all.ts', import.meta.url), {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: maxMemory, stackSizeMb: 2 },
    })
    onTestFinished(async () => void (await worker.terminate()))
    const complaints: Tried[] = []
    let begun = ''
    let tried = 0
    worker.on('message', (message: Tried | { readonly begun: string }) => {
      if ('begun' in message) begun = message.begun
      else if ('tried' in message) tried = message.tried
      else complaints.push(message)
    })
    // an error comes before the exit, and rejects
    const error = await once(worker, 'exit').then(
      () => undefined,
      (thrown: unknown) => `${begun}: ${String(thrown)}`,
    )
    expect(error).toBeUndefined()
    expect(complaints).toEqual([])
    const all = parsers.length + answerParsers.length + fileParsers.length
    expect(tried).toBe(all * (smallTexts.length + [...largeTexts()].length))
  },
  hangsAfter,
)
