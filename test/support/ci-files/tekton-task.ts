import { parse } from 'yaml'

interface TaskParameter {
  readonly name: string
  readonly type: 'string' | 'array'
  readonly default?: string | readonly string[]
}

interface TaskStep {
  readonly name: string
  readonly image: string
  readonly command: readonly string[]
  readonly args: readonly string[]
  readonly env: readonly { readonly name: string; readonly value: string }[]
}

/** A Task (Tekton, Tasks), as far as a run needs it. */
export interface Task {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly spec: {
    readonly params: readonly TaskParameter[]
    readonly workspaces: readonly { readonly name: string; readonly optional?: boolean }[]
    readonly results: readonly { readonly name: string }[]
    readonly steps: readonly TaskStep[]
  }
}

interface TaskRun {
  readonly params: Readonly<Record<string, string | readonly string[]>>
  /** the paths of the bound workspaces */
  readonly workspaces: Readonly<Record<string, string>>
}

interface StepProcess {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export function readTask(text: string): Task {
  return parse(text) as Task
}

const stepKeys = new Set(['name', 'image', 'command', 'args', 'env', 'securityContext'])

/** The problems of a Task: names that it does not declare, arrays in text, scripts. */
export function complaintsOfTask({ apiVersion, kind, spec }: Task): readonly string[] {
  const text = JSON.stringify(spec.steps)
  const unused = [
    ...spec.params.map(({ name }) => `params.${name}`),
    ...spec.workspaces.map(({ name }) => `workspaces.${name}`),
  ].filter((name) => !text.includes(`$(${name}`))
  const variables = Array.from(text.matchAll(/[^",[\]]*\$\(([^)]+)\)[^",[\]]*/g))
  return [
    ...(apiVersion === 'tekton.dev/v1' && kind === 'Task' ? [] : [`${apiVersion} ${kind} is not a Task`]),
    ...unused.map((name) => `${name} is not used`),
    ...variables.flatMap(
      ([whole, name = '']) => complaintOfVariable(spec, name, whole === `$(${name})`) ?? [],
    ),
    ...spec.params.flatMap((one) => (isDefaultOfType(one) ? [] : [`params.${one.name} has another type`])),
    ...spec.steps.flatMap((step) =>
      Object.keys(step).flatMap((key) => (stepKeys.has(key) ? [] : [`${step.name} has the key ${key}`])),
    ),
  ]
}

function isDefaultOfType({ type, default: value }: TaskParameter): boolean {
  return value === undefined || Array.isArray(value) === (type === 'array')
}

function complaintOfVariable(spec: Task['spec'], variable: string, isWhole: boolean): string | undefined {
  const [, kind, name, rest] = /^(\w+)\.([\w-]+)(.*)$/.exec(variable) ?? []
  if (kind === 'workspaces')
    return rest === '.path' && spec.workspaces.some((one) => one.name === name)
      ? undefined
      : `${variable} is unknown`
  const parameter = kind === 'params' ? spec.params.find((one) => one.name === name) : undefined
  if (parameter === undefined) return `${variable} is unknown`
  if (parameter.type === 'string') return rest === '' ? undefined : `${variable} is not an array`
  return rest === '[*]' && isWhole ? undefined : `${variable} is an array and must be an argument of its own`
}

/** The processes of the steps. A workspace that is not bound has an empty path. */
export function stepsOf({ spec }: Task, { params, workspaces }: TaskRun): readonly StepProcess[] {
  const valueOf = (name: string): string | readonly string[] =>
    params[name] ?? spec.params.find((one) => one.name === name)?.default ?? []
  const withText = (text: string): string =>
    text
      .replaceAll(/\$\(params\.([\w-]+)\)/g, (_, name: string) => String(valueOf(name)))
      .replaceAll(/\$\(workspaces\.([\w-]+)\.path\)/g, (_, name: string) => workspaces[name] ?? '')
  return spec.steps.map(({ command, args, env }) => ({
    command: [...command, ...args].flatMap((one) => {
      const [, array] = /^\$\(params\.([\w-]+)\[\*\]\)$/.exec(one) ?? []
      return array === undefined ? [withText(one)] : valueOf(array)
    }),
    env: Object.fromEntries(env.map(({ name, value }) => [name, withText(value)])),
  }))
}
