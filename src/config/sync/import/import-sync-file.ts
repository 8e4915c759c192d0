import { parseDocument } from 'yaml'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { formatYaml } from '../../../lib/format-yaml.ts'
import { isShallowYaml } from '../../../lib/yaml-depth.ts'
import { isRecord } from '../../../oci/json.ts'
import { parseConfig } from '../../parse.ts'
import { maxFileSize } from '../../search/trusted-file.ts'
import { checkSyncOf } from '../sync-rules.ts'
import type { ImportedEntry, ImportedFile } from './imported-rule.ts'
import { importRegsync } from './import-regsync.ts'
import { importSkopeo, skopeoKeys } from './import-skopeo.ts'

/** Sections of dray.yaml that were made from the file of another program. */
export interface ImportedSync {
  /** the sections `registries` and `sync`, with a comment for all that has no equivalent */
  readonly yaml: string
  /** the sentences of these comments */
  readonly warnings: readonly string[]
}

/**
 * Converts a `regsync.yml` of regclient or the YAML of `skopeo sync --src yaml` to sections of
 * dray.yaml, which pass `dray config validate`. An entry that does not is a comment. The result has
 * no credentials.
 * @param to the destination for skopeo's file, which has none; contains `{repository}`
 * @throws `malformed` for another file.
 */
export function importSyncFile(text: string, to?: string): ImportedSync {
  const file = parseFile(text)
  const isSkopeo = Object.values(file).some((one) => isRecord(one) && skopeoKeys.some((key) => key in one))
  if (!Array.isArray(file['sync']) && !isSkopeo) throw unknownFile()
  const imported = Array.isArray(file['sync']) ? importRegsync(file) : importSkopeo(file, to)
  const valid = withoutMistakes(imported)
  return { yaml: format(valid), warnings: [...valid.notes, ...valid.entries.flatMap(({ notes }) => notes)] }
}

function parseFile(text: string): Readonly<Record<string, unknown>> {
  if (text.length > maxFileSize || !isShallowYaml(text))
    throw unknownFile('it is too large or nested too deeply')
  // A tag such as 3.10 must stay a text.
  const document = parseDocument(text, {
    schema: 'failsafe',
    merge: true,
    logLevel: 'error',
    prettyErrors: false,
  })
  const [first] = document.errors
  if (first !== undefined) throw unknownFile('its YAML has a mistake', first)
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    if (isRecord(value)) return value
  } catch (cause) {
    throw unknownFile('its aliases cannot be resolved', cause)
  }
  throw unknownFile()
}

function unknownFile(
  why = 'it has neither a list `sync` nor registries with `images`',
  cause?: unknown,
): DrayError {
  return new DrayError('malformed', 'the file is no configuration of regsync or of skopeo sync', {
    why,
    hint: 'Name a regsync.yml, or the YAML of skopeo sync --src yaml.',
    cause,
  })
}

/** Omits the rules that dray.yaml cannot have, each with its mistake as a note. */
function withoutMistakes(file: ImportedFile): ImportedFile {
  let { entries } = file
  for (;;) {
    const kept = entries.filter(({ rule }) => rule !== undefined)
    const mistakes = kept.length === 0 ? new Map<number, string>() : mistakesIn({ ...file, entries: kept })
    if (mistakes.size === 0) return { ...file, entries }
    entries = entries.map((entry): ImportedEntry => {
      const found = mistakes.get(kept.indexOf(entry))
      if (found === undefined || entry.rule === undefined) return entry
      const { name } = entry.rule
      return { rule: undefined, notes: [...entry.notes, `the rule ${name} is not imported: ${found}`] }
    })
  }
}

/** The first mistake of each rule, by its index. */
function mistakesIn(file: ImportedFile): ReadonlyMap<number, string> {
  const content = `version: 1\n${sectionsOf(file)}`
  const found = new Map<number, string>()
  const add = (path: readonly unknown[], message: string): void => {
    const index = typeof path[1] === 'number' ? path[1] : 0
    if (!found.has(index)) found.set(index, message)
  }
  try {
    const loaded = parseConfig({ file: '/dray.yaml', content }, 'dray.yaml')
    for (const { path, message } of checkSyncOf(loaded, 0).issues) add(path, message)
  } catch (thrown) {
    if (!isDrayError(thrown)) throw thrown
    for (const { path, message } of thrown.mistakes ?? []) {
      const [, index] = /^sync\[(\d+)\]/.exec(path) ?? []
      add(['sync', Number(index ?? 0)], message)
    }
  }
  return found
}

function sectionsOf({ registries, entries }: ImportedFile): string {
  const sync = entries.flatMap(({ rule }) => rule ?? [])
  return formatYaml(
    { ...(Object.keys(registries).length > 0 && { registries }), ...(sync.length > 0 && { sync }) },
    escapeCharacters,
  )
}

function format(file: ImportedFile): string {
  const { notes, registries, entries } = file
  const head = notes.map(comment)
  const settings = Object.keys(registries).length === 0 ? '' : formatYaml({ registries }, escapeCharacters)
  const rules = entries.map((entry) => {
    const comments = entry.notes.map((note) => `  ${comment(note)}`)
    const rule =
      entry.rule === undefined ? '' : formatYaml([entry.rule], escapeCharacters).replaceAll(/^(?=.)/gm, '  ')
    return comments.map((line) => `${line}\n`).join('') + rule
  })
  const sync = entries.some(({ rule }) => rule !== undefined) ? 'sync:\n' : ''
  return `${head.map((line) => `${line}\n`).join('')}${settings}${sync}${rules.join('')}`
}

/** One line of ASCII, so that no text of the file can end the comment. */
function comment(note: string): string {
  const text = note.replaceAll(/[^ -~]/g, '?')
  return text.startsWith('dray ') ? `# ${text}` : `# ${text.charAt(0).toUpperCase()}${text.slice(1)}`
}

/** Only ASCII, so that no character can change how a terminal or an editor shows the file. */
function escapeCharacters(yaml: string): string {
  return yaml.replaceAll(/[^\n -~]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
