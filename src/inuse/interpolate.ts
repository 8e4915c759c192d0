import { DrayError } from '../errors.ts'
import { byOf, type Spot } from './found.ts'

/** What stands behind the name of a variable: `:-1.2` in `${TAG:-1.2}`. */
const braced = /^([A-Za-z_]\w*)(?:(:?[-?+])(.*))?$/s
/** Deeper defaults of defaults are a mistake. */
const maxDepth = 20

/**
 * Fills in the variables of Compose by their defaults (`${TAG:-1.2}`, `${TAG-1.2}`, one within another); `$$` is a dollar.
 * @throws `refused` for a variable without a default: its value is in an environment that is not here; `malformed` for what is no variable.
 */
export function interpolate(text: string, spot: Spot, depth = 0): string {
  let filled = ''
  let at = 0
  if (depth > maxDepth) throw wrong(text, spot)
  while (at < text.length) {
    const dollar = text.indexOf('$', at)
    if (dollar < 0) break
    filled += text.slice(at, dollar)
    const next = text[dollar + 1]
    if (next === '$') {
      filled += '$'
      at = dollar + 2
    } else if (next === '{') {
      const end = closing(text, dollar + 2)
      if (end === undefined) throw wrong(text, spot)
      filled += defaultOf(text.slice(dollar + 2, end), text, spot, depth)
      at = end + 1
    } else {
      const name = /^[A-Za-z_]\w*/.exec(text.slice(dollar + 1))?.[0]
      throw name === undefined ? wrong(text, spot) : unset(name, text, spot)
    }
  }
  return filled + text.slice(at)
}

function defaultOf(inner: string, text: string, spot: Spot, depth: number): string {
  const [, name, operator, word = ''] = braced.exec(inner) ?? []
  if (name === undefined) throw wrong(text, spot)
  if (operator === undefined || !operator.endsWith('-')) throw unset(name, text, spot)
  return interpolate(word, spot, depth + 1)
}

/** Where the brace closes that was opened before `from`. */
function closing(text: string, from: number): number | undefined {
  let depth = 1
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('${', at)) depth += 1
    if (text[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  return undefined
}

function unset(name: string, text: string, spot: Spot): DrayError {
  return new DrayError('refused', `${byOf(spot)}: the variable ${name} is not known`, {
    subject: byOf(spot),
    why: `${JSON.stringify(text.slice(0, 200))} has no default for it`,
    hint: `Give it one (\${${name}:-…}), or give what runs as a list: \`docker compose config --images | dray prune --in-use -\`.`,
  })
}

function wrong(text: string, spot: Spot): DrayError {
  return new DrayError('malformed', `${byOf(spot)}: its variables cannot be read`, {
    subject: byOf(spot),
    why: `${JSON.stringify(text.slice(0, 200))} is not the syntax of Compose`,
    hint: 'A dollar that is none of a variable is written $$.',
  })
}
