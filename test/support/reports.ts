import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDrayError } from '../../src/lib/errors.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { parseJson } from '../../src/oci/json.ts'

const folder = join(import.meta.dirname, '..', 'fixtures', 'reports')

/** The image that the reports in test/fixtures/reports are about. */
export const scannedImage = {
  index: 'sha256:1bc04b5291c26a46d918139138b992d2de976d6851d0893b0476b85bfbdfc6e6' as Digest,
  manifest: 'sha256:05b3abf2579a5eb66403cd78be557fd860633a1fe2103c7642030defe32c657f' as Digest,
  config: 'sha256:b79606fb3afea5bd1609ed40b622142f1c98125abcfe89a76a661b0e8e343910' as Digest,
}

/** The image of the files `other-image.json`. */
export const otherImage = {
  index: 'sha256:450fede67659f6a29c61bf4ea7a09cd11cd327039a5e46addb5f584bbad627ed' as Digest,
  manifest: 'sha256:46059793cf2205d6d422af6824215ab4fe474eed0310ef82162832711d838f34' as Digest,
  config: 'sha256:f98119ac63c52dbb63965a14b3a179f83192a45cb1f61570c7954abbe368ba0e' as Digest,
}

/** When the scans of the reports ended. */
export const scannedAt = Date.parse('2026-11-24T10:02:00Z')

/** The text of a report in test/fixtures/reports: `trivy/clean.json`. */
export function reportText(name: string): string {
  return readFileSync(join(folder, name), 'utf8')
}

/** A report as parsed JSON. */
export function report(name: string): unknown {
  return parseJson(reportText(name), name, 100)
}

/** New values by JSON Pointer (RFC 6901); undefined deletes. */
export type Edits = Readonly<Record<string, unknown>>

/** A report as parsed JSON, with other values at some places. */
export function editedReport(name: string, edits: Edits): unknown {
  const document = report(name)
  for (const [pointer, value] of Object.entries(edits)) setAt(document, pointer, value)
  return document
}

function setAt(document: unknown, pointer: string, value: unknown): void {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/'))
  const last = keys.pop() ?? ''
  let parent = document as Record<string, unknown>
  for (const key of keys) parent = parent[key] as Record<string, unknown>
  if (value !== undefined) parent[last] = value
  else if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else delete parent[last]
}

/** `CODE: MESSAGE` of the `DrayError` that a function throws, or `fine`. */
export function refusalOf(run: () => unknown): string {
  try {
    run()
    return 'fine'
  } catch (error) {
    if (isDrayError(error)) return `${error.code}: ${error.message}`
    throw error
  }
}
