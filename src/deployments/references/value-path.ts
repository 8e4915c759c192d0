import { DrayError } from '../../lib/errors.ts'

/** characters; the files of people have shorter paths */
const maxPath = 4096

/** A step of a path that a person writes. */
export type PathStep =
  | { readonly key: string }
  | { readonly index: number }
  /** the item of an array that has the value at the key: `[name=api]` */
  | { readonly where: string; readonly is: string }

/**
 * Parses a path to a value: keys with dots between them, such as `web.version`.
 * - A backslash makes the next character part of the key: `a\.b`. Or quote it: `data["a.b"]`.
 * - `containers[0]` or `containers.0` is an item by its index, from 0.
 * - `containers[name=api]` is the item whose `name` is `api`. It does not depend on other items.
 * @throws `config` for another text
 */
export function parseValuePath(text: string): readonly PathStep[] {
  if (text.length > maxPath) throw notPath(`${text.slice(0, 100)}…`)
  const steps: PathStep[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    at += found?.length ?? 0
    return found
  }
  do {
    const bracket = take(/\[(?:"(?:[^"\\]|\\.)*"|(?:[^\]\\]|\\.)*)\]/y)
    if (bracket !== undefined) steps.push(bracketStep(bracket, text))
    else if (text[at] === '.' && (steps.length === 0 || at + 1 === text.length)) throw notPath(text)
    else {
      if (steps.length > 0) take(/\./y)
      const key = take(/(?:[^\\.[\]]|\\.)+/y)
      if (key === undefined) throw notPath(text)
      steps.push({ key: unescaped(key) })
    }
  } while (at < text.length)
  return steps
}

function bracketStep(bracket: string, whole: string): PathStep {
  const inner = bracket.slice(1, -1)
  if (/^\d{1,9}$/.test(inner)) return { index: Number(inner) }
  if (inner.startsWith('"')) {
    try {
      return { key: String(JSON.parse(inner)) }
    } catch {
      throw notPath(whole)
    }
  }
  const [, where, is] = /^((?:[^\\=]|\\.)+)=(.*)$/s.exec(inner) ?? []
  if (where === undefined || is === undefined) throw notPath(whole)
  return { where: unescaped(where), is: unescaped(is) }
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gs, '$1')
}

/** `web.version`, as `parseValuePath` reads it. */
export function formatValuePath(steps: readonly PathStep[]): string {
  const escaped = (text: string, special: RegExp): string => text.replaceAll(special, String.raw`\$&`)
  let text = ''
  for (const step of steps) {
    if ('index' in step) text += `[${step.index}]`
    else if ('where' in step) text += `[${escaped(step.where, /[\\\]=]/g)}=${escaped(step.is, /[\\\]]/g)}]`
    else text += `${text === '' ? '' : '.'}${escaped(step.key, /[\\.[\]]/g)}`
  }
  return text
}

function notPath(text: string): DrayError {
  return new DrayError('config', `${JSON.stringify(text)} is not a path to a value`, {
    subject: text,
    hint: String.raw`Write keys with dots between them, and items of lists in brackets: spec.containers[name=api].image. Write \. for a dot in a key.`,
  })
}
