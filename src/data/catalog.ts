/** Where a named data set is published: parts of one set, read one after the other. */
export interface CatalogEntry {
  readonly name: string;
  /** Problems in all parts together; another number is another data set. */
  readonly problems: number;
  /** It has a training split. */
  readonly trains: boolean;
  readonly files: readonly CatalogFile[];
}

export interface CatalogFile {
  /**
   * `hub`: below the hub's address; `releases`: below that of EvalPlus' releases, which no page may
   * read.
   */
  readonly host: 'hub' | 'releases';
  readonly path: string;
  /** Where the publisher has frozen the file. The hub announces the hash of what it sends. */
  readonly sha256?: string;
}

export const HOSTS = { hub: 'https://huggingface.co', releases: 'https://github.com' } as const;

/** The hub keeps every data set as parquet on a branch of its own: one file a split. */
function hubParquet(repository: string, config: string, splits: readonly string[]): CatalogFile[] {
  const branch = `datasets/${repository}/resolve/refs%2Fconvert%2Fparquet/${config}`;
  return splits.map((split) => ({ host: 'hub', path: `${branch}/${split}/0000.parquet` }));
}

const MBPP_SPLITS = ['prompt', 'test', 'validation', 'train'];

/**
 * MBPP and HumanEval as their authors keep them on the hub. The plus sets are EvalPlus' release
 * files: their copies on the hub hold no inputs, only scripts that need numpy.
 */
export const CATALOG: readonly CatalogEntry[] = [
  {
    name: 'mbpp',
    problems: 974,
    trains: true,
    files: hubParquet('google-research-datasets/mbpp', 'full', MBPP_SPLITS),
  },
  {
    name: 'mbpp-sanitized',
    problems: 427,
    trains: true,
    files: hubParquet('google-research-datasets/mbpp', 'sanitized', MBPP_SPLITS),
  },
  {
    name: 'humaneval',
    problems: 164,
    trains: false,
    files: hubParquet('openai/openai_humaneval', 'openai_humaneval', ['test']),
  },
  {
    name: 'mbpp+',
    problems: 378,
    trains: false,
    files: [
      {
        host: 'releases',
        path: 'evalplus/mbppplus_release/releases/download/v0.2.0/MbppPlus.jsonl.gz',
        sha256: 'af43697e8791c4c149bdfd6b489d8b5412507551ac20e28a439f650b8225db63',
      },
    ],
  },
  {
    name: 'humaneval+',
    problems: 164,
    trains: false,
    files: [
      {
        host: 'releases',
        path: 'evalplus/humanevalplus_release/releases/download/v0.1.10/HumanEvalPlus.jsonl.gz',
        sha256: '272720b90ac375502c8ed23cd791c2a93dfb22a911641a494da74a426c09f101',
      },
    ],
  },
];
