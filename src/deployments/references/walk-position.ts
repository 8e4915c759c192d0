import type { ValuePlace } from '../edit/value-place.ts'
import { type DocumentPath, formatDocumentPath } from './document-path.ts'

/** A step into a document of the YAML text that is a value. */
export class EmbeddedDocument {
  /** from 0 */
  readonly index: number

  constructor(index: number) {
    this.index = index
  }
}

/** The steps to a value, through texts that are YAML. */
export type Steps = readonly (string | number | EmbeddedDocument)[]

/**
 * A position of the walk through a document. Values of Helm that an Argo CD Application merges have
 * keys that differ from the steps to their text.
 */
export class WalkPosition {
  /** they decide the meaning of a value */
  readonly keys: DocumentPath
  readonly steps: Steps

  constructor(keys: DocumentPath, steps: Steps = keys) {
    this.keys = keys
    this.steps = steps
  }

  /** @param steps to the text of the child, unless it is below the position */
  child(key: string | number, steps?: Steps): WalkPosition {
    const keys = [...this.keys, key]
    if (steps !== undefined) return new WalkPosition(keys, steps)
    return this.steps === this.keys ? new WalkPosition(keys) : new WalkPosition(keys, [...this.steps, key])
  }

  /** The position of a document in the text at this position. */
  embedded(index: number): WalkPosition {
    return new WalkPosition(this.keys, [...this.steps, new EmbeddedDocument(index)])
  }
}

/** `spec.containers[0].image`; a document in a text is below the text. */
export function formatSteps(steps: Steps): string {
  return formatDocumentPath(steps.flatMap((step) => (step instanceof EmbeddedDocument ? [] : [step])))
}

/** @param document the index in the file, from 0 */
export function valuePlaceAt(document: number, steps: Steps): ValuePlace {
  const path: (string | number)[] = []
  for (const [i, step] of steps.entries()) {
    if (step instanceof EmbeddedDocument)
      return { document, path, embedded: valuePlaceAt(step.index, steps.slice(i + 1)) }
    path.push(step)
  }
  return { document, path }
}
