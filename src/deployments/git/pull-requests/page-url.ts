import type { ForgeKind, ForgeRepository } from './remote-repository.ts'

/** The branches and the title of a pull request. */
export interface PullRequestText {
  /** the branch with the edits */
  readonly branch: string
  /** the branch that gets them */
  readonly base: string
  readonly title: string
}

type PageBuilder = (root: string, path: string, text: PullRequestText) => string

const pages: Readonly<Record<Exclude<ForgeKind, 'unknown'>, PageBuilder>> = {
  github: (root, path, { base, branch, title }) =>
    `${root}/${encodePath(path)}/compare/${encodePath(base)}...${encodePath(branch)}?${query({ expand: '1', title })}`,
  gitlab: (root, path, { base, branch, title }) =>
    `${root}/${encodePath(path)}/-/merge_requests/new?${query({
      'merge_request[source_branch]': branch,
      'merge_request[target_branch]': base,
      'merge_request[title]': title,
    })}`,
  gitea: (root, path, { base, branch }) =>
    `${root}/${encodePath(path)}/compare/${encodePath(base)}...${encodePath(branch)}`,
  bitbucket: (root, path, { base, branch, title }) =>
    `${root}/${encodePath(path)}/pull-requests/new?${query({ source: branch, dest: `${path}::${base}`, title })}`,
  bitbucketServer: (root, path, { base, branch }) => {
    const [project = '', repository = ''] = path.split('/')
    const of = project.startsWith('~')
      ? `users/${encodeURIComponent(project.slice(1))}`
      : `projects/${encodeURIComponent(project)}`
    return `${root}/${of}/repos/${encodeURIComponent(repository)}/pull-requests?create&${query({ sourceBranch: branch, targetBranch: base })}`
  },
  azure: (root, path, { base, branch }) =>
    `${root}/${encodePath(path)}/pullrequestcreate?${query({ sourceRef: branch, targetRef: base })}`,
}

/**
 * Returns the page on which a person opens the pull request; undefined if the product is unknown.
 */
export function newPullRequestUrl(
  { kind, host, path }: ForgeRepository,
  text: PullRequestText,
): string | undefined {
  return kind === 'unknown' ? undefined : pages[kind](`https://${host}`, path, text)
}

/** Returns the page of GitLab with the open merge requests of a branch. */
export function mergeRequestsUrl({ host, path }: ForgeRepository, branch: string): string {
  return `https://${host}/${encodePath(path)}/-/merge_requests?${query({ state: 'opened', source_branch: branch })}`
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

function query(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')
}
