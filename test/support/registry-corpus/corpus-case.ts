import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { parse } from 'yaml'
import { profiles, type ProfileName } from '../../../src/embedded/profiles.ts'

/** The folder of the cases. Its README explains the fields. */
const corpusFolder: string = join(import.meta.dirname, '..', '..', 'corpus', 'registries')

const text = v.string()
const texts = v.array(text)
const pattern = v.pipe(text, v.regex(/^(?:\*|[A-Z]+) \/\S*$/))

const storedImage = v.strictObject({
  /** `repository:tag` */
  image: text,
  layers: v.optional(v.number()),
  /** the platforms of an index */
  index: v.optional(texts),
  helm: v.optional(v.boolean()),
  /** fields of the root manifest that differ; null in `without` removes one */
  manifest: v.optional(v.record(text, v.unknown())),
  without: v.optional(texts),
  evidence: v.optional(v.array(v.picklist(['referrer', 'cosign', 'sbom', 'artifact-manifest']))),
  /** children of the index that are deleted again */
  missing: v.optional(texts),
})

const oddAnswer = v.strictObject({
  /** `METHOD PATH`: a regular expression of path and query after the method; `*` is any method */
  request: pattern,
  /** only a request that has this header, and one that lacks it */
  if: v.optional(text),
  unless: v.optional(text),
  /** only the first so many */
  times: v.optional(v.number()),
  /** the registry executes the request as well */
  applied: v.optional(v.boolean()),
  /** only in place of an answer of the registry with this status */
  insteadOf: v.optional(v.number()),
  /** the registry answers, and its answer gets this status and these headers */
  amends: v.optional(v.boolean()),
  /** absent: the answer of the registry with other headers */
  status: v.optional(v.number()),
  headers: v.optional(v.record(text, v.nullable(text))),
  body: v.optional(v.unknown()),
  /** the connection ends after half of the registry's body */
  breaks: v.optional(v.literal(true)),
})

const expectation = v.strictObject({
  exit: v.number(),
  /** regular expressions that match the output */
  says: v.optional(texts),
  neverSays: v.optional(texts),
  /** `repository:tag` and the image that it is, or null if it does not exist */
  tags: v.optional(v.record(text, v.nullable(text))),
  /** `repository:tag` of images that are complete, with the evidence of the other */
  complete: v.optional(v.record(text, text)),
  /** `METHOD PATH` and the number of requests */
  requests: v.optional(v.record(pattern, v.number())),
})

const corpusCase = v.strictObject({
  title: text,
  /** the public report or document that describes the oddity */
  source: text,
  registry: v.optional(v.picklist(Object.keys(profiles) as ProfileName[]), 'oci-1.1'),
  content: v.array(storedImage),
  answers: v.optional(v.array(oddAnswer), []),
  /** `config.json` of docker: a value, or its text */
  credentials: v.optional(v.unknown()),
  /** `dray.yaml` */
  configuration: v.optional(v.record(text, v.unknown())),
  env: v.optional(v.record(text, text), {}),
  run: v.array(texts),
  expect: expectation,
})

export type CorpusCase = v.InferOutput<typeof corpusCase>
export type StoredImage = v.InferOutput<typeof storedImage>
export type OddAnswer = v.InferOutput<typeof oddAnswer>

/** Reads all cases, by file name. @throws for a case with unknown or missing fields. */
export async function readCorpus(): Promise<ReadonlyMap<string, CorpusCase>> {
  const files = (await readdir(corpusFolder)).filter((name) => name.endsWith('.yaml')).sort()
  const cases = await Promise.all(
    files.map(async (file) => {
      const value: unknown = parse(await readFile(join(corpusFolder, file), 'utf8'))
      const parsed = v.safeParse(corpusCase, value)
      if (parsed.success) return [file, parsed.output] as const
      const issues = parsed.issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`)
      throw new Error(`${file}: ${issues.join('; ')}`)
    }),
  )
  return new Map(cases)
}
