import type { KnownFlag } from './command-list.ts'

/** The forms of an image that a command takes, in addition to `@staging/api` and references. */
export interface ImageForm {
  /** `api` */
  readonly hasBareNames: boolean
  /** `@staging/api:1.4.2` */
  readonly hasTags: boolean
  /** `@staging` */
  readonly hasEnvironments: boolean
}

/** The kind of the value of a flag or argument. */
export type ValueKind =
  | ImageForm
  /** a name of `images` */
  | 'imageName'
  /** `staging`; `@staging` if the word begins with `@` */
  | 'environment'
  /** a version of the image that is the first argument */
  | 'versionOfImage'
  /** any tag of it */
  | 'tagOfImage'
  /** some levels of version tags: `exact,minor` */
  | 'levels'
  /** a suffix of versions that `dray.yaml` declares: `alpine` */
  | 'variant'
  | 'host'
  | 'policy'
  /** the name of a rule of the section `sync` */
  | 'syncRule'
  | 'startingPolicy'
  /** some gates to begin with: `signature,scan` */
  | 'startingGates'
  /** some sections of a report: `status,usage` */
  | 'reportSections'
  /** the name of a gate that can be overridden */
  | 'gate'
  | 'command'
  | 'file'
  | 'folder'
  /** `dotenv=FILE`, `dir=FOLDER`, `summary=FILE` */
  | 'report'
  /** any text */
  | 'text'

const image: ImageForm = { hasBareNames: false, hasTags: true, hasEnvironments: false }
const bareImage: ImageForm = { ...image, hasBareNames: true }
const repository: ImageForm = { hasBareNames: false, hasTags: false, hasEnvironments: true }

/** The values of flags without a fixed list. A key is the flag, or the command and the flag. */
const flagKinds: Readonly<Record<string, ValueKind>> = {
  'audit-file': 'file',
  'auth-file': 'file',
  'auth-registry': 'host',
  'bundle apply --base': 'file',
  'bundle create --since': 'file',
  checkpoint: 'file',
  clean: 'environment',
  config: 'file',
  'config init --env': 'text',
  env: 'environment',
  exclude: repository,
  expires: 'text',
  explain: image,
  from: 'environment',
  gates: 'startingGates',
  htpasswd: 'file',
  'ignore-versions': 'tagOfImage',
  image: 'imageName',
  import: 'file',
  'in-use': 'file',
  key: 'file',
  metrics: 'file',
  need: 'file',
  'mirror-config --out': 'folder',
  out: 'file',
  'override-gate': 'gate',
  'password-env': 'text',
  policy: 'policy',
  receipt: 'file',
  registry: 'host',
  report: 'report',
  repository: { ...repository, hasEnvironments: false },
  retention: 'startingPolicy',
  'rollback --to': 'versionOfImage',
  'scan-report': 'file',
  sections: 'reportSections',
  'sign-key': 'file',
  'tag --semver': 'levels',
  to: 'environment',
  variant: 'variant',
  write: { ...repository, hasEnvironments: false },
}

/** The arguments of each command: the first ones, then any number of `rest`. */
const argumentKinds: Readonly<
  Record<string, { readonly first?: readonly ValueKind[]; readonly rest?: ValueKind }>
> = {
  apply: { first: ['file'] },
  approve: { rest: bareImage },
  'audit merge': { rest: 'file' },
  'auth explain': { first: ['host'] },
  'bundle apply': { first: ['file'] },
  'bundle create': { first: ['file'], rest: image },
  'bundle verify': { first: ['file'] },
  check: { rest: { ...bareImage, hasEnvironments: true } },
  'config validate': { first: ['file'] },
  copy: { first: [image, { ...image, hasEnvironments: true }] },
  diff: { first: ['environment', 'environment'], rest: 'imageName' },
  doctor: { first: ['host'] },
  explain: { first: [image] },
  'gitops pin': { rest: 'file' },
  'gitops diff': { rest: 'imageName' },
  help: { rest: 'command' },
  history: { first: [bareImage] },
  hold: { rest: { ...bareImage, hasEnvironments: true } },
  inspect: { first: [bareImage] },
  'gitops update': { rest: bareImage },
  'k8s prepull': { rest: bareImage },
  'k8s pull-secret': { rest: 'host' },
  login: { first: ['host'] },
  logout: { first: ['host'] },
  ls: { first: [{ ...bareImage, hasTags: false }] },
  'mirror-config': { rest: 'text' },
  'plan show': { first: ['file'] },
  promote: { rest: { ...bareImage, hasEnvironments: true } },
  prune: { rest: repository },
  rollback: { first: [bareImage] },
  serve: { first: ['folder'] },
  status: { rest: 'imageName' },
  sync: { rest: 'syncRule' },
  tag: { rest: bareImage },
  usage: { rest: { ...bareImage, hasTags: false, hasEnvironments: true } },
}

/** The kind of a flag's value. */
export function kindOfFlag(command: string | undefined, { name }: KnownFlag): ValueKind {
  return flagKinds[`${command} --${name}`] ?? flagKinds[name] ?? 'text'
}

/** The kind of the argument at this index, from 0; undefined if there can be none. */
export function kindOfArgument(command: string, index: number): ValueKind | undefined {
  const { first = [], rest } = argumentKinds[command] ?? {}
  return first[index] ?? rest
}
