import { parentPort } from 'node:worker_threads'
import { answerParsers } from './response-parsers.ts'
import { fileParsers } from './file-parsers.ts'
import { type Parser, parsers } from './parsers.ts'
import { type HostileText, largeTexts, smallTexts } from './texts.ts'
import { complaintOfError } from './complaints.ts'

/** What went wrong with a parser and a text; with none at the end. */
export type WorkerReport =
  | { readonly parser: string; readonly text: string; readonly complaint: string }
  | { readonly tried: number }

/**
 * /* The thread in which every parser is given every text: what breaks its bound of memory or its
 * stack breaks no more than it. Tells of what is not as it should be, and at the end how often
 * something was tried.
 */
const port = parentPort
if (port === null) throw new Error('this is run as a worker')

let now = ''
process.on('unhandledRejection', (reason) =>
  port.postMessage({
    parser: now,
    text: '',
    complaint: `an unhandled rejection: ${String(reason)}`,
  } satisfies WorkerReport),
)

async function tryIt({ name, parse }: Parser, text: HostileText): Promise<void> {
  now = name
  port?.postMessage({ begun: `${name} with ${text.name}` })
  try {
    await parse(text.bytes)
  } catch (thrown) {
    const complaint = complaintOfError(thrown)
    if (complaint !== undefined)
      port?.postMessage({ parser: name, text: text.name, complaint } satisfies WorkerReport)
  }
}

let tried = 0
const all = [...parsers, ...answerParsers, ...fileParsers]
for (const texts of [smallTexts, largeTexts()]) {
  for (const text of texts) {
    for (const parser of all) {
      await tryIt(parser, text)
      tried++
    }
  }
}
port.postMessage({ tried } satisfies WorkerReport)
