import type { Actor, CiJob } from '../../audit/log/record.ts'

/** Names of people and jobs are shorter. Longer text is cut. */
const maxName = 256
const maxAddress = 1024

/** The variables of a CI service for the fields of a job. The first one that is set is used. */
interface Service {
  readonly name: string
  readonly isHere: (env: NodeJS.ProcessEnv) => boolean
  readonly user: readonly string[]
  /** the cleaned URL of the run */
  readonly run: (env: NodeJS.ProcessEnv) => string | undefined
  readonly job: readonly string[]
  readonly commit: readonly string[]
  readonly repository: readonly string[]
}

/** The variables of the services' own documentation. dray reads no other variables. */
const services: readonly Service[] = [
  {
    name: 'github',
    isHere: (env) => env['GITHUB_ACTIONS'] === 'true',
    // The user who started or restarted this run, who need not be the one who pushed.
    user: ['GITHUB_TRIGGERING_ACTOR', 'GITHUB_ACTOR'],
    run: githubRun,
    job: ['GITHUB_JOB'],
    commit: ['GITHUB_SHA'],
    repository: ['GITHUB_REPOSITORY'],
  },
  {
    name: 'gitlab',
    isHere: (env) => env['GITLAB_CI'] === 'true',
    user: ['GITLAB_USER_LOGIN', 'GITLAB_USER_NAME'],
    run: (env) => cleanAddress(firstOf(env, ['CI_JOB_URL', 'CI_PIPELINE_URL'])),
    job: ['CI_JOB_NAME'],
    commit: ['CI_COMMIT_SHA'],
    repository: ['CI_PROJECT_PATH', 'CI_PROJECT_URL'],
  },
  {
    name: 'buildkite',
    isHere: (env) => env['BUILDKITE'] === 'true',
    // The user who unblocked the build. Without an unblock, the one who created it.
    user: ['BUILDKITE_UNBLOCKER', 'BUILDKITE_BUILD_CREATOR'],
    run: (env) => cleanAddress(env['BUILDKITE_BUILD_URL']),
    job: ['BUILDKITE_LABEL', 'BUILDKITE_STEP_KEY', 'BUILDKITE_JOB_ID'],
    commit: ['BUILDKITE_COMMIT'],
    repository: ['BUILDKITE_REPO'],
  },
  {
    name: 'circleci',
    isHere: (env) => env['CIRCLECI'] === 'true',
    user: ['CIRCLE_USERNAME'],
    run: (env) => cleanAddress(env['CIRCLE_BUILD_URL']),
    job: ['CIRCLE_JOB'],
    commit: ['CIRCLE_SHA1'],
    repository: ['CIRCLE_REPOSITORY_URL', 'CIRCLE_PROJECT_REPONAME'],
  },
  {
    name: 'azure',
    isHere: (env) => env['TF_BUILD']?.toLowerCase() === 'true',
    user: ['RELEASE_DEPLOYMENT_REQUESTEDFOR', 'BUILD_REQUESTEDFOR', 'BUILD_REQUESTEDFOREMAIL'],
    run: azureRun,
    job: ['SYSTEM_JOBDISPLAYNAME', 'AGENT_JOBNAME'],
    commit: ['BUILD_SOURCEVERSION'],
    repository: ['BUILD_REPOSITORY_NAME', 'BUILD_REPOSITORY_URI'],
  },
  {
    name: 'jenkins',
    // JENKINS_URL is set only if an administrator configured it.
    isHere: (env) => isSet(env['JENKINS_URL']) || env['BUILD_TAG']?.startsWith('jenkins-') === true,
    // Set by the plugin build-user-vars. Jenkins itself has no such variable.
    user: ['BUILD_USER_ID', 'BUILD_USER'],
    run: (env) => cleanAddress(env['BUILD_URL']),
    job: ['JOB_NAME'],
    commit: ['GIT_COMMIT'],
    repository: ['GIT_URL', 'GIT_URL_1'],
  },
]

/**
 * The actor of an audit record: the user and host of the machine, the CI job by its variables, and
 * the value of `--actor`. Removes userinfo, query and fragment from URLs, and control characters
 * from texts. Cuts long values.
 */
export function createActor(
  env: NodeJS.ProcessEnv,
  machine: { readonly user: string; readonly host: string },
  says?: string,
): Actor {
  const ci = ciJob(env)
  const claim = cleanText(says)
  return {
    user: cleanText(machine.user) ?? 'unknown',
    host: cleanText(machine.host) ?? 'unknown',
    ...(ci !== undefined && { ci }),
    ...(claim !== undefined && { says: claim }),
  }
}

function ciJob(env: NodeJS.ProcessEnv): CiJob | undefined {
  const service = services.find(({ isHere }) => isHere(env))
  if (service === undefined) return undefined
  const user = cleanText(firstOf(env, service.user))
  const run = service.run(env)
  const job = cleanText(firstOf(env, service.job))
  const commit = cleanText(firstOf(env, service.commit))
  const repository = cleanAddress(firstOf(env, service.repository))
  return {
    service: service.name,
    ...(user !== undefined && { user }),
    ...(run !== undefined && { run }),
    ...(job !== undefined && { job }),
    ...(commit !== undefined && { commit }),
    ...(repository !== undefined && { repository }),
  }
}

function githubRun(env: NodeJS.ProcessEnv): string | undefined {
  const { GITHUB_REPOSITORY: repository, GITHUB_RUN_ATTEMPT: attempt, GITHUB_RUN_ID: id } = env
  const server = cleanAddress(env['GITHUB_SERVER_URL'])
  if (server === undefined || !isSet(repository) || !isSet(id)) return undefined
  const run = `${server.replace(/\/$/, '')}/${repository}/actions/runs/${id}`
  return cleanAddress(isSet(attempt) ? `${run}/attempts/${attempt}` : run)
}

/** The only URL that needs a query. It is built here, and contains only the number of the build. */
function azureRun(env: NodeJS.ProcessEnv): string | undefined {
  const release = cleanAddress(env['RELEASE_RELEASEWEBURL'])
  const { BUILD_BUILDID: id, SYSTEM_TEAMPROJECT: project } = env
  const collection = cleanAddress(
    firstOf(env, ['SYSTEM_COLLECTIONURI', 'SYSTEM_TEAMFOUNDATIONCOLLECTIONURI']),
  )
  if (collection === undefined || !isSet(project) || id === undefined || !/^\d+$/.test(id)) return release
  const base = collection.replace(/\/$/, '')
  return cut(`${base}/${encodeURIComponent(project.toWellFormed())}/_build/results?buildId=${id}`, maxAddress)
}

function firstOf(env: NodeJS.ProcessEnv, names: readonly string[]): string | undefined {
  return names.map((name) => env[name]).find(isSet)
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== ''
}

/** Removes secrets before it cuts, because a cut could remove the character that marks them. */
function cleanAddress(text: string | undefined): string | undefined {
  return text === undefined ? undefined : cut(withoutSecrets(onOneLine(text)), maxAddress)
}

function cleanText(text: string | undefined): string | undefined {
  return text === undefined ? undefined : cut(onOneLine(text), maxName)
}

/**
 * Removes userinfo, query and fragment from a URL, also if unescaped characters in a password make
 * it invalid, and the user from `git@host:path`. Removes too much rather than too little.
 */
function withoutSecrets(text: string): string {
  const [, scheme = '', authority = '', path = ''] =
    /^([a-z][a-z0-9+.-]*:\/\/)?([^/]*)(.*)$/is.exec(text) ?? []
  const bare = `${scheme}${authority.slice(authority.lastIndexOf('@') + 1)}${path}`
  const isUsual = scheme === '' || URL.canParse(bare)
  const safe = isUsual ? bare : scheme + bare.slice(bare.lastIndexOf('@') + 1)
  return safe.replace(/[?#].*$/s, '')
}

function onOneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
}

/** Undefined for empty text. */
function cut(text: string, maxLength: number): string | undefined {
  // The cut may split a character of two code units.
  return text === '' ? undefined : text.slice(0, maxLength).toWellFormed()
}
