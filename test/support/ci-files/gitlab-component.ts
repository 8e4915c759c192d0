import { parseAllDocuments } from 'yaml'

interface ComponentInput {
  readonly type?: 'string' | 'number' | 'boolean' | 'array'
  readonly default?: unknown
  readonly description?: string
  readonly options?: readonly unknown[]
  readonly regex?: string
}

/** A GitLab CI/CD component: its header and jobs (GitLab, CI/CD YAML syntax reference, spec). */
export interface Component {
  readonly inputs: Readonly<Record<string, ComponentInput>>
  /** the fields of `$[[ component.FIELD ]]` that it uses */
  readonly context: readonly string[]
  /** without interpolation */
  readonly jobs: unknown
}

export function readComponent(text: string): Component {
  const [header, jobs, ...rest] = parseAllDocuments(text).map((document) => document.toJS() as unknown)
  if (rest.length > 0) throw new Error('a component has two documents')
  const { spec } = header as { spec: { component?: readonly string[]; inputs: Component['inputs'] } }
  return { inputs: spec.inputs, context: spec.component ?? [], jobs }
}

const inputKeys = new Set(['type', 'default', 'description', 'options', 'regex'])

/** The problems of the header, which GitLab reports before it reads any input. */
export function complaintsOfHeader({ inputs, context, jobs }: Component): readonly string[] {
  const used = new Set(Array.from(JSON.stringify(jobs).matchAll(expression), ([, name = '']) => name))
  const declared = [
    ...Object.keys(inputs).map((name) => `inputs.${name}`),
    ...context.map((name) => `component.${name}`),
  ]
  return [
    ...Object.entries(inputs).flatMap(([name, input]) => complaintsOfInput(name, input)),
    ...[...used].filter((name) => !declared.includes(name)).map((name) => `${name} is not declared`),
    ...declared.filter((name) => !used.has(name)).map((name) => `${name} is not used`),
  ]
}

function complaintsOfInput(name: string, input: ComponentInput): readonly string[] {
  const unknown = Object.keys(input).filter((key) => !inputKeys.has(key))
  return [
    ...unknown.map((key) => `inputs.${name} has the unknown key ${key}`),
    ...(input.default === undefined ? [] : complaintsOfValue(name, input, input.default)),
    // GitLab does not interpolate the header.
    ...(JSON.stringify(input).includes('$[[') ? [`inputs.${name} has an expression`] : []),
    ...(input.regex !== undefined && (input.type ?? 'string') !== 'string'
      ? [`inputs.${name} cannot have regex`]
      : []),
  ]
}

/** The problems of the inputs of an include. */
export function complaintsOfInputs(
  { inputs }: Component,
  given: Readonly<Record<string, unknown>>,
): readonly string[] {
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(inputs, name))
  return [
    ...unknown.map((name) => `${name} is not an input`),
    ...Object.entries(inputs).flatMap(([name, input]) => {
      const value = given[name] ?? input.default
      return value === undefined ? [`${name} is required`] : complaintsOfValue(name, input, value)
    }),
  ]
}

function complaintsOfValue(
  name: string,
  { type = 'string', options, regex }: ComponentInput,
  value: unknown,
) {
  const actual = Array.isArray(value) ? 'array' : typeof value
  if (actual !== type) return [`${name} is not a ${type}`]
  if (options !== undefined && !options.includes(value)) return [`${name} is not one of the options`]
  const isMatch = regex === undefined || new RegExp(regex).test(String(value))
  return isMatch ? [] : [`${name} does not match ${regex}`]
}

const expression = /\$\[\[\s*((?:inputs|component)\.[\w-]+)\s*\]\]/g

/** The jobs of an include. A value that is one expression keeps its type. */
export function includeComponent(
  component: Component,
  given: Readonly<Record<string, unknown>>,
  context: Readonly<Record<string, string>>,
): unknown {
  const complaints = complaintsOfInputs(component, given)
  if (complaints.length > 0) throw new Error(complaints.join('; '))
  const valueOf = (name: string): unknown => {
    const [kind, key = ''] = name.split('.')
    return kind === 'component' ? context[key] : (given[key] ?? component.inputs[key]?.default)
  }
  const interpolate = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(interpolate)
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [interpolate(key), interpolate(one)]),
      )
    if (typeof value !== 'string') return value
    const [whole, name = ''] = new RegExp(`^${expression.source}$`).exec(value) ?? []
    if (whole !== undefined) return valueOf(name)
    return value.replaceAll(expression, (_, inner: string) => String(valueOf(inner)))
  }
  return interpolate(component.jobs)
}
