/** One sample of a file in the text-based format of Prometheus. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const helpLine = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) \S.*$/
const typeLine = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:counter|gauge|histogram|summary|untyped)$/
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s
/** A label escapes a backslash, a quote and a line feed with a backslash. */
const label = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y
const number = /^[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf|NaN)$/i

/**
 * Parses a file like node_exporter (Prometheus, Exposition formats, Text-based format), but
 * strictly: each family has HELP, then TYPE, then all its samples with different labels, and the
 * file ends with a line feed.
 *
 * @throws with the invalid line
 */
export function parseExposition(text: string): readonly Sample[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const samples: Sample[] = []
  const families = new Set<string>()
  const series = new Set<string>()
  let named: string | undefined
  let typed: string | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    const help = helpLine.exec(line)?.[1]
    const type = typeLine.exec(line)?.[1]
    const [, name, labels, value] = sampleLine.exec(line) ?? []
    if (help !== undefined && !families.has(help)) {
      families.add(help)
      named = help
      typed = undefined
    } else if (type !== undefined && type === named && typed === undefined) {
      typed = type
    } else if (name !== undefined && name === typed && value !== undefined && number.test(value)) {
      const id = `${name}{${labels}}`
      if (series.has(id)) throw new Error(`twice: ${line}`)
      series.add(id)
      samples.push({ name, labels: parseLabels(labels ?? '', line), value: Number(value) })
    } else {
      throw new Error(`not a line of the format: ${line}`)
    }
  }
  return samples
}

function parseLabels(text: string, line: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {}
  label.lastIndex = 0
  while (label.lastIndex < text.length) {
    const [, name, value] = label.exec(text) ?? []
    if (name === undefined || value === undefined || name in labels) throw new Error(`labels: ${line}`)
    labels[name] = value.replace(/\\(.)/gs, (_, c: string) => (c === 'n' ? '\n' : c))
  }
  return labels
}
