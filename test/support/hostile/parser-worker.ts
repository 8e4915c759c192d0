import { parentPort } from 'node:worker_threads'
import { responseParsers } from './response-parsers.ts'
import { fileParsers } from './file-parsers.ts'
import { type Parser, parsers } from './parsers.ts'
import { type HostileText, largeTexts, smallTexts } from './texts.ts'
import { complaintOfError } from './complaints.ts'

/** A problem of a parser with a text, or at the end the number of checks. */
export type WorkerReport =
  | { readonly parser: string; readonly text: string; readonly complaint: string }
  | { readonly checks: number }

/*
 * The worker gives every text to every parser, so that exceeded limits of memory or stack end only
 * the worker. It posts each problem, and the number of checks at the end.
 */
const port = parentPort
if (port === null) throw new Error('this file must run as a worker')

let current = ''
process.on('unhandledRejection', (reason) =>
  port.postMessage({
    parser: current,
    text: '',
    complaint: `an unhandled rejection: ${String(reason)}`,
  } satisfies WorkerReport),
)

async function checkParser({ name, parse }: Parser, text: HostileText): Promise<void> {
  current = name
  port?.postMessage({ started: `${name} with ${text.name}` })
  try {
    await parse(text.bytes)
  } catch (thrown) {
    const complaint = complaintOfError(thrown)
    if (complaint !== undefined)
      port?.postMessage({ parser: name, text: text.name, complaint } satisfies WorkerReport)
  }
}

let checks = 0
const all = [...parsers, ...responseParsers, ...fileParsers]
for (const texts of [smallTexts, largeTexts()]) {
  for (const text of texts) {
    for (const parser of all) {
      await checkParser(parser, text)
      checks++
    }
  }
}
port.postMessage({ checks } satisfies WorkerReport)
