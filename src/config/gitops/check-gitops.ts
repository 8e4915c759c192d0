import { findProblem } from '../check/find-problem.ts'
import { unknownName } from '../check/unknown-name.ts'
import { imagePlaceholder } from '../config.ts'
import { formatKeyPath, type Path } from '../key-path.ts'
import { namesFile } from '../names-file.ts'
import { checkPath, parseRepository } from '../../oci/reference.ts'
import type { WrittenGitOpsRule } from '../schema/schema-gitops.ts'
import type { WrittenConfig } from '../schema/schema.ts'
import type { KnownNames } from '../sections/sections.ts'
import type { Issue, ReportIssue } from '../shape.ts'
import type { FilesRule, GitConfig, GitOpsConfig, GitOpsRule, PlaceRule } from './gitops.ts'

/** The texts that a commit message can contain. */
const messagePlaceholders = ['env', 'image', 'version', 'digest'] as const
const branchPlaceholders = ['env'] as const

interface GitOpsSurroundings {
  readonly known: KnownNames
  /** of dray.yaml, absolute */
  readonly folder: string
}

type WrittenEnvironments = NonNullable<WrittenConfig['environments']>

/**
 * Checks the keys `gitops` and `git` of all environments. Returns the environments that have
 * `gitops`, in the order of the file, and every mistake. A rule with a mistake is omitted.
 */
export function checkGitOps(
  environments: WrittenEnvironments,
  { known, folder }: GitOpsSurroundings,
): { readonly environments: readonly GitOpsConfig[]; readonly issues: readonly Issue[] } {
  const issues: Issue[] = []
  const report: ReportIssue = (path, message, at = 'value', needs = false) =>
    void issues.push({ path, at, message, ...(needs && { needs }) })
  const read = Object.entries(environments).flatMap(([environment, { gitops, git }]): GitOpsConfig[] => {
    const path = ['environments', environment]
    if (git !== undefined) checkGit(git, [...path, 'git'], report)
    if (git !== undefined && gitops === undefined)
      report([...path, 'git'], '`git` needs `gitops`: there are no files to commit', 'key', true)
    if (gitops === undefined) return []
    const rules = gitops.flatMap((rule, i) => readRule(rule, [...path, 'gitops', i], known, report) ?? [])
    reportRepeated(rules, path, report)
    return [{ environment, folder, rules, git: (git ?? {}) as GitConfig }]
  })
  return { environments: read, issues }
}

function readRule(
  written: WrittenGitOpsRule,
  path: Path,
  known: KnownNames,
  report: ReportIssue,
): GitOpsRule | undefined {
  let isValid = true
  const refuse: ReportIssue = (...issue) => {
    isValid = false
    report(...issue)
  }
  const rule =
    'files' in written ? readFilesRule(written, path, refuse) : readPlaceRule(written, path, known, refuse)
  return isValid ? rule : undefined
}

function readFilesRule(
  { files, as, write }: Extract<WrittenGitOpsRule, { files: unknown }>,
  path: Path,
  report: ReportIssue,
): FilesRule {
  for (const { text, at } of listed(files, [...path, 'files'])) {
    const problem = pathProblem(text)
    if (problem !== undefined) report(at, problem)
  }
  for (const { text, at } of as === undefined ? [] : listed(as, [...path, 'as'])) {
    const problem = nameProblem(text)
    if (problem !== undefined) report(at, problem)
  }
  return {
    kind: 'files',
    name: formatKeyPath(path),
    files: [files].flat(),
    write: write ?? 'both',
    as: as === undefined ? [] : [as].flat(),
  }
}

function readPlaceRule(
  { file, image, at, write }: Exclude<WrittenGitOpsRule, { files: unknown }>,
  path: Path,
  known: KnownNames,
  report: ReportIssue,
): PlaceRule {
  const problem = pathProblem(file)
  if (problem !== undefined) report([...path, 'file'], problem)
  else if (!namesFile(file)) report([...path, 'file'], 'does not name a file')
  const unnamed = findProblem(() => checkPath(image))
  if (unnamed !== undefined) report([...path, 'image'], unnamed)
  else if (known.images.length > 0 && !known.images.includes(image))
    report([...path, 'image'], unknownName('image', image, known.images))
  for (const [key, message] of positionProblems(at, write))
    report([...path, ...key], message, key.at(-1) === 'at' ? 'key' : 'value', key.at(-1) === 'at')
  return {
    kind: 'place',
    name: formatKeyPath(path),
    file,
    image,
    at: at as PlaceRule['at'],
    write: write ?? 'both',
  }
}

function positionProblems(
  { tag, digest }: { readonly [key in 'tag' | 'digest']?: string | undefined },
  write: string | undefined,
): readonly (readonly [path: Path, message: string])[] {
  if (tag === undefined && digest === undefined)
    return [[['at'], 'must have a position for `tag` or `digest`']]
  if (tag !== undefined && tag === digest)
    return [[['at', 'digest'], 'is the position of the tag too: write only `tag`']]
  const isMissing = { tag: tag === undefined, digest: digest === undefined }
  if ((write === 'tag' || write === 'digest') && isMissing[write])
    return [[['write'], `${write} needs the position \`at.${write}\``]]
  return []
}

/** Two rules for one image in one file would edit it twice. */
function reportRepeated(rules: readonly GitOpsRule[], environment: Path, report: ReportIssue): void {
  const places = rules.flatMap((rule) => (rule.kind === 'place' ? [rule] : []))
  const seen = new Set<string>()
  for (const { file, at, name } of places) {
    for (const [key, position] of Object.entries(at)) {
      const place = JSON.stringify([file, position])
      const index = Number(/\[(\d+)\]$/.exec(name)?.[1])
      if (seen.has(place))
        report([...environment, 'gitops', index, 'at', key], `${file} has this position in an earlier entry`)
      seen.add(place)
    }
  }
}

function listed(
  written: string | readonly string[],
  path: Path,
): readonly { readonly text: string; readonly at: Path }[] {
  if (typeof written === 'string') return [{ text: written, at: path }]
  return written.map((text, i) => ({ text, at: [...path, i] }))
}

/** dray writes only below the folder of dray.yaml. */
function pathProblem(text: string): string | undefined {
  if (text.startsWith('/') || text.startsWith('~') || /^[a-z]:/i.test(text))
    return 'must be relative to the folder of this file'
  if (text.includes('\\')) return 'must be written with "/"'
  if (text.includes('\0')) return 'must not contain a null character'
  if (text.split('/').includes('..')) return 'must not leave the folder of this file with ".."'
  return undefined
}

/** The problem of another name of the repositories, such as `mirror.example.com/prod/{image}`. */
function nameProblem(text: string): string | undefined {
  const count = text.split(imagePlaceholder).length - 1
  if (count !== 1)
    return `must contain ${imagePlaceholder} ${count === 0 ? '' : 'only '}once, in place of the image name`
  return findProblem(() => parseRepository(text.replace(imagePlaceholder, 'image')))
}

function checkGit(
  { branch, message }: NonNullable<WrittenEnvironments[string]['git']>,
  path: Path,
  report: ReportIssue,
): void {
  const ofBranch = branch === undefined ? undefined : branchProblem(branch)
  if (ofBranch !== undefined) report([...path, 'branch'], ofBranch)
  const ofMessage = message === undefined ? undefined : messageProblem(message)
  if (ofMessage !== undefined) report([...path, 'message'], ofMessage)
}

function messageProblem(message: string): string | undefined {
  if (/\p{Cc}/u.test(message)) return 'must be one line of text'
  return placeholderProblem(message, messagePlaceholders)
}

/** The names that git-check-ref-format refuses are refused here too. */
function branchProblem(branch: string): string | undefined {
  const name = branch.replaceAll('{env}', 'env')
  const isName =
    !/[\s~^:?*[\\\p{Cc}]|\.\.|@\{|\/\/|(?:^|\/)\.|\.(?:$|\/)|\.lock(?:$|\/)/u.test(name) &&
    !/^[-/]|\/$|^@$/.test(name)
  return (
    placeholderProblem(branch, branchPlaceholders) ?? (isName ? undefined : 'is not the name of a branch')
  )
}

function placeholderProblem(text: string, known: readonly string[]): string | undefined {
  const unknown = [...text.matchAll(/\{([^{}]*)\}/g)].find(([, name = '']) => !known.includes(name))
  if (unknown === undefined) return undefined
  return `${unknown[0]} is unknown here: write ${known.map((name) => `{${name}}`).join(', ')}`
}
