import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Fence, fencesOf } from '../docs/fences.ts'

const root = join(import.meta.dirname, '..', '..', '..')

interface PublishedFile {
  readonly path: string
  readonly text: string
}

interface PageFence extends Fence {
  /** `docs/ci.md:12` */
  readonly at: string
}

function readAll(patterns: readonly string[]): readonly PublishedFile[] {
  return globSync(patterns, { cwd: root })
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** The pages that users read. */
export function publishedPages(): readonly PublishedFile[] {
  return readAll(['README.md', 'docs/**/*.md'])
}

/** The files that CI systems read. */
export function ciFiles(): readonly PublishedFile[] {
  return readAll(['action.yml', 'templates/*.yml', 'tekton/*.yaml', '.github/workflows/*.yml'])
}

/** The code fences of all pages in some languages. */
export function fencesIn(...languages: readonly string[]): readonly PageFence[] {
  return publishedPages().flatMap(({ path, text }) =>
    fencesOf(text)
      .filter(({ language }) => languages.includes(language))
      .map((fence) => ({ ...fence, at: `${path}:${fence.line}` })),
  )
}
