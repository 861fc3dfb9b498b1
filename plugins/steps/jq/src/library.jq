# jq's filters that are written in jq.

# Constants
def null: [][0];
def true: 0 == 0;
def false: 0 != 0;
def not: if . then false else true end;

# Streams
def tostring: "\(.)";
def map(f): [.[] | f];
def empty: {}[] as $none | .;
def error: error_empty as $none | .;
def error(f): (f | error_empty) as $none | .;
def select(f): if f then . else empty end;
def limit($n; f):
  if $n > 0 then _limit($n; f) elif $n == 0 then empty else error("limit doesn't support negative count") end;
def skip($n; f): if $n < 0 then error("skip doesn't support negative count") else _skip($n; f) end;
def nth($n; f): if $n < 0 then error("nth doesn't support negative indices") else first(skip($n; f)) end;
def repeat(f): def again: ., (f | again); again;
def recurse(f): def deeper: ., (f | deeper); deeper;
def recurse: recurse(.[]?);
def recurse(f; cond): recurse(f | select(cond));
def while(cond; f): def on: if cond then ., (f | on) else empty end; on;
def until(cond; f): def on: if cond then . else f | on end; on;
def isempty(f): first((f | false), true);
def any(f; cond): isempty(f | select(cond)) | not;
def all(f; cond): isempty(f | select(cond | not));
def any(cond): any(.[]; cond);
def all(cond): all(.[]; cond);
def any: any(.[]; .);
def all: all(.[]; .);
def range($from; $to; $by):
  if [$from, $to, $by] | all(type == "number") | not then error("Range bounds must be numeric")
  elif $by == 0 then empty else _range($from; $to; $by) end;
def range($from; $to): range($from; $to; 1);
def range($to): range(0; $to; 1);
def add(f): reduce f as $x (null; . + $x);
def add: add(.[]);
def IN(f): . as $x | any(f; . == $x);
def IN(f; g): any(f; IN(g));

# Kinds
def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def finites: select(type == "number" and isfinite);
def normals: select(type == "number" and isnormal);
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type == "array" or type == "object");
def scalars: select(type != "array" and type != "object");
def isboolean: type == "boolean";
def isnumber: type == "number";
def isstring: type == "string";
def isarray: type == "array";
def isobject: type == "object";
def toboolean:
  if type == "boolean" then . elif . == "true" then true elif . == "false" then false
  else error("\(type) (\(tojson)) cannot be parsed as a boolean") end;
def toarray: if type == "array" then . else [.] end;
def have_decnum: false;
def have_literal_numbers: true;

# Numbers
def nearbyint: rint;
def logb: if . == 0 then -infinite elif isinfinite then infinite elif isnan then . else ilogb end;
def significand: if . == 0 or isinfinite or isnan then . else scalbln(.; ilogb | -.) end;
def pow10: pow(10; .);
def drem($x; $y): remainder($x; $y) | if . == 0 then copysign(.; $x) end;
def nexttoward(x; y): nextafter(x; y);
def scalb($x; $e): $x * pow(2; $e);
def gamma: lgamma;

# Lists and objects
def map_values(f): .[] |= f;
def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def keys: keys_unsorted | sort;
def in(xs): . as $key | xs | has($key);
def inside(xs): . as $x | xs | contains($x);
def index($x): indices($x) | .[0];
def rindex($x): indices($x) | .[-1:][0];
def flatten($depth):
  def level($d): reduce .[] as $x ([]; if $d > 0 and ($x | type) == "array" then . + ($x | level($d - 1)) else . + [$x] end);
  if $depth < 0 then error("flatten depth must not be negative") else level($depth) end;
def flatten: flatten(1000000000);
def min_by(f): reduce min_by_or_empty(f) as $x (null; $x);
def max_by(f): reduce max_by_or_empty(f) as $x (null; $x);
def min: min_by(.);
def max: max_by(.);
def unique_by(f): [group_by(f)[] | .[0]];
def unique: unique_by(.);
def transpose: [range(0; [.[] | length] | max // 0) as $i | [.[][$i]]];
def combinations:
  if length == 0 then [] else .[0][] as $first | .[1:] | combinations as $rest | [$first] + $rest end;
def combinations($n): . as $set | [range($n) | $set] | combinations;
def to_entries: [key_values[] as [$key, $value] | {$key, $value}];
def from_entries: reduce .[] as $entry ({};
  . + ($entry | {
    ((if .key == null then .k // .name // .Name // .K // .Key else .key end) | if type == "string" then . else tojson end):
    (if has("value") then .value elif has("v") then .v else .Value end)
  }));
def with_entries(f): to_entries | map(f) | from_entries;
def walk(f): def down: if type == "object" then map_values(down) elif type == "array" then map(down) else . end | f; down;
def INDEX(f; key): reduce f as $row ({}; .[$row | key | tostring] |= $row);
def INDEX(key): INDEX(.[]; key);
def JOIN($index; key): [.[] | [., $index[key]]];
def JOIN($index; f; key): f | [., $index[key]];
def JOIN($index; f; key; join): f | [., $index[key]] | join;

# Paths
def _assign(places; $value): reduce path(places) as $at (.; setpath($at; $value));
def paths: path(..) | select(length > 0);
def paths(f): . as $all | paths | select(. as $at | $all | getpath($at) | f);
def leaf_paths: paths(scalars);
def del(f): delpaths([path(f)]);
def pick(f): . as $all | reduce path(f) as $at (null; setpath($at; $all | getpath($at)));
def tostream:
  def parts($at):
    if type != "array" and type != "object" or length == 0 then [$at, .]
    else keys_unsorted as $keys | ($keys[] as $key | .[$key] | parts($at + [$key])), [$at + $keys[-1:]] end;
  parts([]);
def fromstream(f): foreach f as $event ({};
  (if .whole then {} end)
  | if $event | length == 2 then setpath(["value"] + $event[0]; $event[1]) | .whole = ($event[0] == [])
    else .whole = ($event[0] | length == 1) end;
  if .whole then .value else empty end);
def truncate_stream(f): . as $depth | null | f | select(.[0] | length > $depth) | .[0] |= .[$depth:];

# Texts
def trimstr($part): ltrimstr($part) | rtrimstr($part);
def ascii:
  if type == "number" and . >= 0 and . < 128 then [.] | implode
  else error("\(type) (\(tojson)) is no ASCII character") end;
def _named: reduce (.captures[] | select(.name != null)) as $group ({}; . + {($group.name): $group.string});
def test($re; $flags): _test($re; $flags);
def test($re): if $re | type == "array" then test($re[0]; $re[1]) else test($re; null) end;
def match($re; $flags): _match($re; $flags)[];
def match($re): if $re | type == "array" then match($re[0]; $re[1]) else match($re; null) end;
def capture($re; $flags): match($re; $flags) | _named;
def capture($re): match($re) | _named;
def scan($re; $flags): match($re; "g" + $flags) | if .captures == [] then .string else [.captures[].string] end;
def scan($re): if $re | type == "array" then scan($re[0]; $re[1]) else scan($re; null) end;
def split($re; $flags): [_parts($re; "g" + $flags)[][0]];
def splits($re; $flags): split($re; $flags)[];
def splits($re): if $re | type == "array" then splits($re[0]; $re[1]) else splits($re; null) end;
def sub($re; f; $flags):
  . as $text
  | _parts($re; $flags) as $parts
  | [$parts[:-1][] as [$before, $match] | [$before, [$match | _named | f]]] as $new
  | if all($new[]; .[1] | length == 1) then [$new[] | .[0] + .[1][0]] + $parts[-1] | _concat
    else
      reduce $new[] as [$before, $with] ([]; reduce range($with | length) as $i (.; .[$i] += $before + $with[$i]))
      | (.[] + $parts[-1][0]) // $text
    end;
def sub($re; f): if $re | type == "array" then sub($re[0]; f; $re[1]) else sub($re; f; null) end;
def gsub($re; f; $flags): sub($re; f; $flags + "g");
def gsub($re; f): if $re | type == "array" then sub($re[0]; f; $re[1] + "g") else sub($re; f; "g") end;

# Times
def mktime:
  if type == "array" then (.[:6] + [0, 0, 0, 0, 0, 0])[:6] | _mktime else error("mktime requires array inputs") end;
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def todate: todateiso8601;
def fromdate: fromdateiso8601;
def date: todate;
def dateadd(unit; n): . + n;
def datesub(unit; n): . - n;

# Formats
def @text: tostring;
def @json: tojson;
def @html: tostring | escape_html;
def @htmld: tostring | unescape_html;
def @uri: tostring | encode_uri;
def @urid: tostring | decode_uri;
def @base64: tostring | encode_base64;
def @base64d: tostring | decode_base64;
def @sh:
  [toarray[] | if type == "string" then "'" + escape_sh + "'"
    elif type == "array" or type == "object" then error("\(type) (\(tojson)) can not be escaped for shell")
    else tojson end]
  | join(" ");
def _row(kind; f; between):
  if type != "array" then error("\(type) (\(tojson)) cannot be \(kind)-formatted, only an array can be") end
  | [.[] | if type == "number" or type == "boolean" then tojson elif . == null then "" elif type == "string" then f
      else error("\(type) (\(tojson)) is not valid in a \(kind) row") end]
  | join(between);
def @csv: _row("csv"; "\"" + (split("\"") | join("\"\"")) + "\""; ",");
def @tsv:
  def escaped($from; $to): split($from) | join($to);
  _row("tsv"; escaped("\\"; "\\\\") | escaped("\t"; "\\t") | escaped("\n"; "\\n") | escaped("\r"; "\\r"); "\t");
def format($name):
  if $name == "text" then @text elif $name == "json" then @json elif $name == "html" then @html
  elif $name == "uri" then @uri elif $name == "urid" then @urid elif $name == "csv" then @csv
  elif $name == "tsv" then @tsv elif $name == "sh" then @sh elif $name == "base64" then @base64
  elif $name == "base64d" then @base64d else error("\($name) is not a valid format") end;
