//! The page that is made of a message: HTML with the margins of GB/T 9704 (版心 156 mm × 225 mm on A4).

use huiyin_sdk::markup::{escape, paragraphs};

/// The page; each line of the text is a paragraph.
pub fn write(title: &str, text: &str, unit: &str, time: &str, paper: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>\n\
         @page {{ size: {paper}; margin: 37mm 26mm 35mm 28mm; }}\n\
         body {{ font: 16pt/28.95pt FangSong_GB2312, FangSong, STFangsong, serif; margin: 0; }}\n\
         h1 {{ font: 22pt/1.5 FZXiaoBiaoSong-B05S, SimSun, serif; text-align: center; font-weight: normal; }}\n\
         p {{ text-indent: 2em; margin: 0; text-align: justify; overflow-wrap: anywhere; }}\n\
         footer {{ text-align: right; margin-top: 2em; }}\n</style>\n</head>\n<body>\n<h1>{title}</h1>\n{text}\
         <footer>{unit}<br>{time}</footer>\n</body>\n</html>\n",
        title = escape(title),
        text = paragraphs(text),
        unit = escape(unit),
        time = escape(time),
    )
}
