import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { responseParsers } from '../support/hostile/response-parsers.ts'
import { fileParsers } from '../support/hostile/file-parsers.ts'
import { parsers } from '../support/hostile/parsers.ts'
import { largeTexts, smallTexts } from '../support/hostile/texts.ts'
import type { WorkerReport } from '../support/hostile/parser-worker.ts'

/**
 * MiB of heap for the worker. The largest accepted manifest has 8 MiB, and its JSON becomes
 * objects.
 */
const maxMemory = 256

/** Milliseconds after which the worker counts as hanging. It needs about a tenth. */
const timeout = 120_000

it(
  'each parser parses any input or throws one error that can be printed, in bounded memory',
  async () => {
    const worker = new Worker(new URL('../support/hostile/parser-worker.ts', import.meta.url), {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: maxMemory, stackSizeMb: 2 },
    })
    onTestFinished(async () => void (await worker.terminate()))
    const complaints: WorkerReport[] = []
    let started = ''
    let checks = 0
    worker.on('message', (message: WorkerReport | { readonly started: string }) => {
      if ('started' in message) started = message.started
      else if ('checks' in message) checks = message.checks
      else complaints.push(message)
    })
    // An error comes before the exit, and rejects.
    const error = await once(worker, 'exit').then(
      () => undefined,
      (thrown: unknown) => `${started}: ${String(thrown)}`,
    )
    expect(error).toBeUndefined()
    expect(complaints).toEqual([])
    const all = parsers.length + responseParsers.length + fileParsers.length
    expect(checks).toBe(all * (smallTexts.length + [...largeTexts()].length))
  },
  timeout,
)
